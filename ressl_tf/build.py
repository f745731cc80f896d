"""From a config to a model and its optimizer."""

import dataclasses
import importlib

from ressl_tf import backbones
from ressl_tf.config import Config
from ressl_tf.data.normalization import NORMALIZATIONS
from ressl_tf.methods.base import SSLModel
from ressl_tf.optimizers import LARS, SGD
from ressl_tf.schedules import WarmupCosine


def build_model(config: Config, steps_per_epoch: int = 1) -> SSLModel:
    """The model that `config` describes, with random weights.

    The method's class is `METHOD` of the module `methods/<name>.py`; its `options` are
    taken from the config by name, save those that are "auto": the class knows.

    Args:
        config: of the run.
        steps_per_epoch: of the run, for schedules; a model that only judges images
            has none.
    """
    method = importlib.import_module(f"ressl_tf.methods.{config.method}").METHOD
    values = {**dataclasses.asdict(config), **_in_steps(config, steps_per_epoch)}
    options = {name: values[name] for name in method.options}
    views = method.make_views(
        **{name: values[name] for name in method.view_options}, **_strengths(config)
    )
    sizes = set(views.sizes.values())
    backbone = backbones.build(
        config.backbone,
        image_size=sizes.pop() if len(sizes) == 1 else None,
        stem=config.stem,
        width=config.width,
        batch_norm=config.batch_norm,
        zero_init_gamma=config.zero_init_gamma,
    )
    mean, std = NORMALIZATIONS[config.normalization]
    return method(
        backbone,
        mean=mean,
        std=std,
        views=views,
        shuffle_target=config.batch_norm in ("shuffle", "split"),
        **{name: value for name, value in options.items() if value != "auto"},
    )


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


def build_optimizer(config: Config, steps_per_epoch: int) -> SGD:
    """SGD or LARS with warm-up and cosine over the whole run."""
    schedule = WarmupCosine(
        config.learning_rate,
        warmup_steps=round(config.warmup_epochs * steps_per_epoch),
        total_steps=config.epochs * steps_per_epoch,
        hold=steps_per_epoch if config.cosine_per_epoch else 1,
    )
    options = (config.sgd_momentum, config.weight_decay, config.decay_vectors)
    if config.optimizer == "lars":
        return LARS(schedule, *options, config.trust_coefficient)
    return SGD(schedule, *options)
