"""From a config to a model and its optimizer."""

import dataclasses
import os

import keras

from ressl_tf.config import Config
from ressl_tf.config.normalizations import NORMALIZATIONS
from ressl_tf.engine.optimizers import LARS, SGD, AdamW
from ressl_tf.engine.schedules import WarmupConstant, WarmupCosine
from ressl_tf.graphs.graph import count_features
from ressl_tf.methods.base import SSLModel
from ressl_tf.methods.registry import method_class
from ressl_tf.models import backbones
from ressl_tf.runtime.errors import UsageError

COPIES = 4  # of a weight: online, target, gradient, velocity


def build_model(config: Config, steps_per_epoch: int = 1) -> SSLModel:
    """The model that `config` describes, with random weights.

    The method's `options` are taken from the config by name, save those that are
    "auto": the class knows.

    Args:
        config: of the run.
        steps_per_epoch: of the run, for schedules; a model that only judges images
            has none.
    """
    method = method_class(config.method)
    _check_memory(config, "queue_size" in method.options)
    values = {**dataclasses.asdict(config), **_in_steps(config, steps_per_epoch)}
    options = {name: values[name] for name in method.options if values[name] != "auto"}
    if config.on_graph:
        return method(count_features(config.dataset), **options)
    views = method.make_views(
        **{name: values[name] for name in method.view_options}, **_strengths(config)
    )
    return method(views=views, **_image_parts(config, views), **options)


def _image_parts(config, views) -> dict:
    """The constructor's arguments that are no plain values, for a method of images."""
    backbone = backbones.build(
        config.backbone,
        image_size=views.size,
        stem=config.stem,
        width=config.width,
        batch_norm=config.batch_norm,
        zero_init_gamma=config.zero_init_gamma,
    )
    mean, std = NORMALIZATIONS[config.normalization]
    return {
        "backbone": backbone,
        "mean": mean,
        "std": std,
        "shuffle_target": config.batch_norm in ("shuffle", "split"),
    }


def _check_memory(config, queue: bool) -> None:
    """Refuses queues and heads that this machine could not even hold once.

    Linux would give the memory, and kill the process when it is filled.
    """
    head = config.hidden_dim * max(config.embedding_dim, config.predictor_dim)
    values = config.queue_size * config.embedding_dim if queue else 0
    needed, there = 4 * (values + COPIES * head), physical_memory()
    if needed > there:
        raise UsageError(
            "queue and heads of --queue_size, --hidden_dim, --embedding_dim and "
            f"--predictor_dim must fit into the machine's {there / 2**30:.1f} GiB. "
            f"Received: {needed / 2**30:.1f} GiB"
        )


def physical_memory() -> int:
    """Of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _in_steps(config, steps_per_epoch) -> dict[str, int]:
    """The options that count steps where the flags count epochs."""
    return {
        "total_steps": config.epochs * steps_per_epoch,
        "infonce_warmup_steps": round(config.infonce_warmup_epochs * steps_per_epoch),
    }


def _strengths(config) -> dict:
    brightness, contrast, saturation, hue = config.color_jitter
    return {
        "scale": (config.crop_scale_min, 1.0),
        "flip_p": config.flip_prob,
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "hue": hue,
        "jitter_p": config.color_jitter_prob,
        "grayscale_p": config.grayscale_prob,
        "blur_p": config.blur_prob,
    }


def build_optimizer(config: Config, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """SGD, LARS or AdamW; warm-up, then a cosine over the whole run or a constant."""
    warmup_steps = round(config.warmup_epochs * steps_per_epoch)
    if config.lr_schedule == "constant":
        schedule = WarmupConstant(config.learning_rate, warmup_steps)
    else:
        schedule = WarmupCosine(
            config.learning_rate,
            warmup_steps=warmup_steps,
            total_steps=config.epochs * steps_per_epoch,
            hold=steps_per_epoch if config.cosine_per_epoch else 1,
        )
    if config.optimizer == "adamw":
        return AdamW(schedule, config.weight_decay, config.decay_vectors)
    options = (config.sgd_momentum, config.weight_decay, config.decay_vectors)
    if config.optimizer == "lars":
        return LARS(schedule, *options, config.trust_coefficient)
    return SGD(schedule, *options)
