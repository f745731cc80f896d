"""From a config to a model and its optimizer."""

import importlib

from ressl_tf import backbones
from ressl_tf.config import Config
from ressl_tf.data.normalization import NORMALIZATIONS
from ressl_tf.methods.base import SSLModel
from ressl_tf.optimizers import SGD
from ressl_tf.schedules import WarmupCosine


def build_model(config: Config) -> SSLModel:
    """The model that `config` describes, with random weights.

    The method's class is `METHOD` of the module `methods/<name>.py`; its `options` are
    taken from the config by name.
    """
    method = importlib.import_module(f"ressl_tf.methods.{config.method}").METHOD
    backbone = backbones.build(
        config.backbone,
        image_size=config.image_size,
        stem=config.stem,
        width=config.width,
        batch_norm=config.batch_norm,
    )
    mean, std = NORMALIZATIONS[config.normalization]
    options = {name: getattr(config, name) for name in method.options}
    return method(
        backbone,
        mean=mean,
        std=std,
        views=method.make_views(config.image_size, **_strengths(config)),
        shuffle_target=config.batch_norm == "split",
        **options,
    )


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
    """SGD with per-step warm-up and cosine over the whole run."""
    schedule = WarmupCosine(
        config.learning_rate,
        warmup_steps=round(config.warmup_epochs * steps_per_epoch),
        total_steps=config.epochs * steps_per_epoch,
    )
    return SGD(schedule, config.sgd_momentum, config.weight_decay, config.decay_vectors)
