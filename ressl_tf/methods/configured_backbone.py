"""The backbone that a config names: one of the table, or a network of the user's."""

import logging
from typing import Any

import keras

from ressl_tf.config.backbone_table import OPTIONS
from ressl_tf.config.own_backbone import OWN, is_own
from ressl_tf.models import backbones
from ressl_tf.models.backbones import own, own_layers, own_source

log = logging.getLogger("ressl_tf")


def build(config: Any, views: Any) -> keras.Model:
    """Build the backbone for the sizes of the views.

    Args:
        config: `Config` of the run.
        views: the `Views` layer of its method.

    Raises:
        UsageError: there is none, or it does not fit.
    """
    if is_own(config.backbone):
        return _prepare(config, views, config.batch_norm).network
    return backbones.build(
        config.backbone,
        image_size=views.size,
        stem=config.stem,
        width=config.width,
        batch_norm=config.batch_norm,
        position_size=config.image_size,
        channels=config.channels,
        **{name: getattr(config, name) for name in OPTIONS},
    )


def check_own(config: Any, views: Any) -> None:
    """Build a user's network before anything else is done, and say what becomes of it.

    Args:
        config: `Config` of the run.
        views: the `Views` layer of its method.

    Raises:
        UsageError: it cannot be trained, or a resumed run would not repeat its draws.
    """
    if is_own(config.backbone):
        prepared = _prepare(config, views, "local")  # a small batch has no groups
        own_layers.refuse_hidden_draws(prepared.network)
        for line in own_layers.report(prepared, config.batch_norm):
            log.info(line)


def _prepare(config: Any, views: Any, batch_norm: str) -> own_layers.Prepared:
    keep = config.init_from == OWN
    made = own_source.load(
        config.backbone,
        image_size=views.size,
        channels=config.channels,
        weights=keep,
    )
    sides = list(getattr(views, "sizes", {"": config.image_size}).values())
    network = own.as_backbone(made, sides, config.channels)
    return own_layers.prepare(network, batch_norm, keep, config.seed)
