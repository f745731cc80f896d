"""Translate names and axes of weights between PyTorch and Keras.

A state dict maps names such as `layer1.0.bn1.running_mean` to arrays; the same variable
is `layer1_0_bn1/moving_mean` here. NumPy only.
"""

from collections.abc import Callable, Mapping

import numpy as np

State = dict[str, np.ndarray]

NORMS = {  # PyTorch's name -> Keras's, in PyTorch's order
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
LIKE = "ResNet of torchvision with batch normalisation"
COUNTER = "num_batches_tracked"  # PyTorch counts the batches; nothing reads the count


def _ours(layer: str) -> str:
    return layer.replace(".", "_")


def _theirs(layer: str) -> str:
    return layer.replace("_", ".")


def to_keras(
    state: Mapping[str, np.ndarray], rename: Callable[[str], str] = _ours
) -> State:
    """Convert convolutions, normalisations and linear layers to Keras's form.

    Args:
        state: PyTorch's names to arrays: kernels [out, in, h, w], weights [out, in].
        rename: returns our name of PyTorch's layer; a ResNet's if none is given.

    Returns:
        "layer/variable" to arrays: kernels [h, w, in, out], weights [in, out].
    """
    variables = {}
    for name, array in state.items():
        layer, _, leaf = name.rpartition(".")
        if leaf == COUNTER:
            continue
        if _normalises(layer, state):
            leaf = NORMS.get(leaf, leaf)
        elif leaf == "weight":
            leaf, array = "kernel", array.transpose(_axes(layer, array.ndim))
        variables[f"{rename(layer)}/{leaf}"] = array
    return variables


def to_pytorch(
    variables: Mapping[str, np.ndarray], rename: Callable[[str], str] = _theirs
) -> State:
    """Reverse `to_keras`; the counters of batches are 0.

    Args:
        variables: "layer/variable" to arrays.
        rename: returns PyTorch's name of our layer; a ResNet's if none is given.
    """
    leaves = {ours: theirs for theirs, ours in NORMS.items()}
    state = {}
    for name, array in variables.items():
        ours, _, leaf = name.rpartition("/")
        layer = rename(ours)
        if leaf == "kernel":
            axes = np.argsort(_axes(layer, array.ndim))
            leaf, array = "weight", array.transpose(axes)
        elif f"{ours}/beta" in variables:  # no layer scale, whose factors are gamma
            leaf = leaves.get(leaf, leaf)
        state[f"{layer}.{leaf}"] = array
        if leaf == "running_var":
            state[f"{layer}.{COUNTER}"] = np.zeros((), np.int64)
    return state


def _normalises(layer: str, state: Mapping[str, np.ndarray]) -> bool:
    """Whether a layer normalises: it has statistics, or one weight a channel."""
    weight = state.get(f"{layer}.weight")
    return f"{layer}.running_mean" in state or (weight is not None and weight.ndim == 1)


def _axes(layer: str, ndim: int) -> tuple[int, ...]:
    """Return the axes of PyTorch's kernel in the order that Keras has them."""
    if layer.endswith("conv_dw"):  # timm's name of a convolution of each channel alone
        return (2, 3, 0, 1)
    return (2, 3, 1, 0) if ndim == 4 else (1, 0)
