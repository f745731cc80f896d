"""Pretraining that starts from a trained encoder."""

import logging
import pathlib

import keras

from ressl_tf.config import Config
from ressl_tf.config.own_backbone import OWN
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.methods.build import build_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models import ema, input_channels
from ressl_tf.models.backbones import patches
from ressl_tf.models.backbones.structure import embedding_of
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained

log = logging.getLogger("ressl_tf")


def open_start(config: Config) -> Encoder | None:
    """Open the encoder that a run starts from; None at random, or when it is resumed.

    It is called before the run takes its workdir: a wrong flag leaves nothing there.

    Raises:
        UsageError: when `init_from` holds no encoder, or one with another backbone.
    """
    folder = pathlib.Path(config.run_dir) / "checkpoints"
    own = config.init_from == OWN  # the network is built with its weights
    if not config.init_from or own or Checkpoints(folder).paths():
        return None
    wanted = build_model(config).online
    encoder = on_its_grid(open_pretrained(config.init_from).encoder, wanted)
    if difference := first_difference(encoder.backbone, wanted.backbone, True):
        raise UsageError(
            f"--init_from={config.init_from} has the backbone "
            f"{_title(encoder)}, the run {_title(wanted)}: {difference}; choose "
            "--backbone, --width and --stem alike"
        )
    if encoder.channels != wanted.channels:
        log.info(
            "the start's first layer, for %d channels, is averaged over them for %d",
            *(encoder.channels, wanted.channels),
        )
    elif (encoder.mean, encoder.std) != (wanted.mean, wanted.std):
        log.warning(
            "--init_from normalises images by mean %s, std %s, the run does not: see "
            "--normalization, --mean and --std",
            encoder.mean,
            encoder.std,
        )
    return encoder


def on_its_grid(encoder: Encoder, wanted: Encoder) -> Encoder:
    """Interpolate the positions of a vision transformer's patches to the run's grid."""
    ours, theirs = embedding_of(encoder.backbone), embedding_of(wanted.backbone)
    if ours is None or theirs is None or ours.side == theirs.side:
        return encoder
    log.info(
        "the start's positions, of %d x %d patches, are interpolated to %d x %d",
        *(ours.side, ours.side, theirs.side, theirs.side),
    )
    backbone = patches.on_grid(encoder.backbone, theirs.side)
    return Encoder(
        backbone, encoder.projector, encoder.mean, encoder.std, name=encoder.name
    )


def start_from(model: ImageSSL, encoder: Encoder) -> None:
    """Copy the backbone, and the projector if it fits, to the online network.

    For images of other channels the first layer is adapted (`models.input_channels`).
    The target becomes an exact copy of the online network.
    """
    input_channels.copy(encoder.backbone, model.online.backbone)
    parts = ["backbone"]
    if encoder.projector is None:
        log.info("the start has no projector; the run's is random")
    elif difference := first_difference(encoder.projector, model.online.projector):
        log.info(
            "the start's projector does not fit, the run's is random: %s", difference
        )
    else:
        ema.copy(encoder.projector, model.online.projector)
        parts.append("projector")
    ema.copy(model.online, model.target)
    log.info("started from a trained %s", " and ".join(parts))


def first_difference(
    ours: keras.Model, other: keras.Model, adapts_channels: bool = False
) -> str:
    """Name the first variable of two networks that differs; empty when none does.

    Args:
        ours: one.
        other: another.
        adapts_channels: whether the first kernels may be for other input channels.
    """
    mine, yours = (
        [(v.path.rpartition("/")[0], v.name, tuple(v.shape)) for v in network.variables]
        for network in (ours, other)
    )
    for (layer, name, shape), (_, its_name, its_shape) in zip(
        mine, yours, strict=False
    ):
        may_adapt, adapts_channels = adapts_channels, False
        if may_adapt and name == its_name and input_channels.fits(shape, its_shape):
            continue
        if (name, shape) != (its_name, its_shape):
            return f"{layer}/{name} {list(shape)} against {its_name} {list(its_shape)}"
    if len(mine) != len(yours):
        return f"{len(mine)} variables against {len(yours)}"
    return ""


def _title(encoder):
    return f"{encoder.backbone.name} of {encoder.feature_dim} features"
