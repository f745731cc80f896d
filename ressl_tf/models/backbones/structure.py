"""The structure of a backbone: its blocks, and which sizes of images it takes.

A backbone is known by its name, a row of `config.backbone_table`; any other Keras model
is read by the rules of `BackboneRow`.
"""

import re

import keras

from ressl_tf.config.backbone_table import BACKBONES, BackboneRow
from ressl_tf.models.backbones.patches import PatchEmbedding

OTHER = BackboneRow("")  # the rules for a network that is not in the table


def blocks(backbone: keras.Model) -> list[list[keras.layers.Layer]]:
    """Return the layers with variables, block by block, from images to features."""
    found: list[tuple[str, list[keras.layers.Layer]]] = []
    for layer in backbone.layers:
        if not layer.variables:
            continue
        name = block_of(backbone, layer.name)
        if not found or found[-1][0] != name:
            found.append((name, []))
        found[-1][1].append(layer)
    return [layers for _, layers in found]


def block_of(backbone: keras.Model, layer: str) -> str:
    """Return the name of the block that a layer, by its name, belongs to."""
    match = re.match(BACKBONES.get(backbone.name, OTHER).block, layer.lower())
    return match[0] if match else layer


def embedding_of(backbone: keras.Model) -> PatchEmbedding | None:
    """Return the layer that makes a vision transformer's tokens, if it is ours."""
    found = [layer for layer in backbone.layers if isinstance(layer, PatchEmbedding)]
    return found[0] if found else None


def takes_any_size(backbone: keras.Model, stock: bool = False) -> bool:
    """Return whether a copy for any image size is possible.

    It is with learned positions that are interpolated, in a `PatchEmbedding`; not with
    others, in the backbone or in a network inside it.

    Args:
        backbone: a functional model.
        stock: whether the copy has Keras's own layers alone, which do not interpolate.
    """
    if BACKBONES.get(backbone.name, OTHER).positions:
        return embedding_of(backbone) is not None and not stock
    inner = [layer for layer in backbone.layers if isinstance(layer, keras.Model)]
    return all(takes_any_size(network, stock) for network in inner)
