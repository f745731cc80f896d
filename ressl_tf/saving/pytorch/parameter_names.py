"""Translate names and axes of weights between PyTorch and Keras.

A state dict maps names such as `layer1.0.bn1.running_mean` to arrays; the same variable
is `layer1_0_bn1/moving_mean` here. NumPy only.
"""

from collections.abc import Mapping

import numpy as np

State = dict[str, np.ndarray]

BATCH_NORM = {  # PyTorch's name -> Keras's, in PyTorch's order
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
LIKE = "ResNet of torchvision with batch normalisation"
COUNTER = "num_batches_tracked"  # PyTorch counts the batches; nothing reads the count


def to_keras(state: Mapping[str, np.ndarray]) -> State:
    """Convert convolutions, batch normalisations and linear layers to Keras's form.

    Args:
        state: PyTorch's names to arrays: kernels [out, in, h, w], weights [out, in].

    Returns:
        "layer/variable" to arrays: kernels [h, w, in, out], weights [in, out].
    """
    variables = {}
    for name, array in state.items():
        layer, _, leaf = name.rpartition(".")
        if leaf == COUNTER:
            continue
        if f"{layer}.running_mean" in state:
            leaf = BATCH_NORM.get(leaf, leaf)
        elif leaf == "weight":
            leaf, array = "kernel", _channels_last(array)
        variables[f"{layer.replace('.', '_')}/{leaf}"] = array
    return variables


def to_pytorch(variables: Mapping[str, np.ndarray]) -> State:
    """Reverse `to_keras`; the counters of batches are 0.

    Args:
        variables: "layer/variable" to arrays, `_` in a layer's name for PyTorch's `.`.
    """
    leaves = {ours: theirs for theirs, ours in BATCH_NORM.items()}
    state = {}
    for name, array in variables.items():
        layer, _, leaf = name.rpartition("/")
        layer = layer.replace("_", ".")
        if leaf == "kernel":
            leaf, array = "weight", _channels_first(array)
        state[f"{layer}.{leaves.get(leaf, leaf)}"] = array
        if leaf == "moving_variance":
            state[f"{layer}.{COUNTER}"] = np.zeros((), np.int64)
    return state


def _channels_last(weight):
    """Transpose [out, in, h, w] to [h, w, in, out], [out, in] to [in, out]."""
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T


def _channels_first(kernel):
    return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
