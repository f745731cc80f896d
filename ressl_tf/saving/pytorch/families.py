"""The families of networks that are converted: ResNets, vision transformers."""

import types
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from ressl_tf.saving.pytorch import parameter_names, vit_names
from ressl_tf.saving.pytorch.architecture import Architecture, find_architecture
from ressl_tf.saving.pytorch.layouts import MARKERS, RESNET, VIT
from ressl_tf.saving.pytorch.vit_architecture import find_vit

NAMES = {RESNET: parameter_names, VIT: vit_names}  # family -> what translates


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
    return find_vit(state) if family_of(state) == VIT else find_architecture(state)


def state_of(network: keras.Model) -> parameter_names.State:
    """Return the weights of a network by PyTorch's names."""
    arrays = {name: v.numpy() for name, v in variables_by_name(network).items()}
    is_vit = {"patches/kernel", "block1_attention/query/kernel"} <= set(arrays)
    return NAMES[VIT if is_vit else RESNET].to_pytorch(arrays)


def variables_by_name(network: keras.Model) -> dict[str, keras.Variable]:
    """Return "layer/variable" -> variable of a network."""
    return {
        f"{layer.name}/{variable.path.rpartition(f'{layer.name}/')[2]}": variable
        for layer in network.layers
        for variable in layer.variables
    }
