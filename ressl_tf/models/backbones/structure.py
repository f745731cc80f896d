"""The structure of a backbone: its blocks, and which sizes of images it takes.

A backbone is known by its name, a row of `config.backbone_table`; any other Keras model
is read by the rules of `BackboneRow`.
"""

import re

import keras

from ressl_tf.config.backbone_table import BACKBONES, BackboneRow

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


def takes_any_size(backbone: keras.Model) -> bool:
    """Return whether a copy for any image size is possible.

    It is not with learned positions, in the backbone or in a network inside it.
    """
    if BACKBONES.get(backbone.name, OTHER).fixed_size:
        return False
    inner = [layer for layer in backbone.layers if isinstance(layer, keras.Model)]
    return all(takes_any_size(network) for network in inner)
