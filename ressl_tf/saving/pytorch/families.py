"""The families of networks that are converted, and what translates each."""

import re
import types
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np

from ressl_tf.saving.pytorch import (
    convnext_names,
    mbconv_names,
    parameter_names,
    vit_names,
)
from ressl_tf.saving.pytorch.architecture import Architecture, find_architecture
from ressl_tf.saving.pytorch.layouts import CONVNEXT, MARKERS, MBCONV, RESNET, VIT
from ressl_tf.saving.pytorch.timm_architecture import find_convnext, find_mbconv
from ressl_tf.saving.pytorch.vit_architecture import find_vit

NAMES = {  # family -> what translates
    RESNET: parameter_names,
    VIT: vit_names,
    CONVNEXT: convnext_names,
    MBCONV: mbconv_names,
}
FIND: dict[str, Callable[[Mapping[str, np.ndarray]], Architecture]] = {
    RESNET: find_architecture,
    VIT: find_vit,
    CONVNEXT: find_convnext,
    MBCONV: find_mbconv,
}
OUR_MARKERS: dict[
    tuple[str, ...], str
] = {  # variables that only networks of the family have -> family
    ("patches/kernel", "block1_attention/query/kernel"): VIT,
    (convnext_names.OUR_MARKER,): CONVNEXT,
    **{(marker,): MBCONV for marker in mbconv_names.OUR_MARKERS},
}
UNNAMED = r"layer_scale/variable(_\d+)?$"  # ConvNeXt's factors have no name in Keras


def family_of(state: Iterable[str]) -> str:
    """Return the family of weights by their names; "resnet" where none is known."""
    return next((MARKERS[name] for name in state if name in MARKERS), RESNET)


def translator(state: Iterable[str]) -> types.ModuleType:
    """Return the module that translates weights of these names."""
    return NAMES[family_of(state)]


def find(state: Mapping[str, np.ndarray]) -> Architecture:
    """Return the network that has these weights.

    Args:
        state: torchvision's or timm's names to arrays.

    Raises:
        UsageError: it is none of ours; the message says what was found.
    """
    return FIND[family_of(state)](state)


def state_of(network: keras.Model) -> parameter_names.State:
    """Return the weights of a network by PyTorch's names."""
    arrays = {name: v.numpy() for name, v in variables_by_name(network).items()}
    families = (f for marks, f in OUR_MARKERS.items() if set(marks) <= set(arrays))
    return NAMES[next(families, RESNET)].to_pytorch(arrays)


def variables_by_name(network: keras.Model) -> dict[str, keras.Variable]:
    """Return "layer/variable" -> variable of a network."""
    named = {
        f"{layer.name}/{variable.path.rpartition(f'{layer.name}/')[2]}": variable
        for layer in network.layers
        for variable in layer.variables
    }
    return {
        re.sub(UNNAMED, "layer_scale/gamma", name): variable
        for name, variable in named.items()
    }
