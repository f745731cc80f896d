"""A trained backbone as feature maps, for the head of a detector or a segmenter."""

import os
from collections.abc import Sequence

import keras

from ressl_tf.models import pyramid
from ressl_tf.models.backbones.structure import takes_any_size
from ressl_tf.saving.keras_file import float32, normalized
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.rebuild import rebuild, stock_norm
from ressl_tf.saving.saved_model import encoder_of


def feature_pyramid(
    path: str | os.PathLike[str],
    *,
    image_size: int | None = None,
    strides: Sequence[int] | None = None,
    model_selection: str = "last",
) -> keras.Model:
    """Return a trained backbone as a Keras model of its feature maps.

    All of it is trainable; the normalisation of the images is inside.

    Args:
        path: a workdir, a SavedModel of `ressl_tf.export`, or a `.keras` file.
        image_size: side of the images in pixels; None for any height and width, or for
            the size of its training where the backbone takes no other.
        strides: of the maps in pixels; None for the four coarsest: 4, 8, 16 and 32 of
            most backbones, 1 to 8 with `--stem=small`, one alone of a ViT.
        model_selection: of `open_pretrained`.

    Returns:
        A model from raw images [batch, h, w, channels] on 0..255 to a dict of float32
        maps [batch, h / stride, w / stride, channels], named C2 for stride 4, C3 for 8
        and so on.

    Raises:
        UsageError: there is no model, or it has no such maps.
        RunError: no checkpoint of a workdir can be read.
    """
    encoder = open_pretrained(path, model_selection).encoder.without_projector()
    any_size = takes_any_size(encoder.backbone)
    side = image_size or (None if any_size else encoder.backbone.input_shape[1])
    encoder = encoder_of(rebuild(encoder, side, stock_norm))
    found = pyramid.levels(encoder.backbone, strides)
    images = keras.Input((side, side, encoder.channels), name="images")
    maps = pyramid.network(encoder.backbone, found)(normalized(images, encoder))
    outputs = {name: float32(name)(each) for name, each in maps.items()}
    return keras.Model(images, outputs, name="feature_pyramid")
