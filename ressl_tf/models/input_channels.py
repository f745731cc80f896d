"""A trained backbone's weights for images of another number of channels."""

import keras
import numpy as np

CHANNELS = -2  # the axis of input channels in a kernel, of a convolution or of patches


def adapted(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Return a first layer's kernel for another number of channels.

    Each new channel gets the mean over the old ones, times old / new: images that are
    alike in all channels give what they gave before.

    Args:
        kernel: [..., channels, filters].
        channels: of the new kernel.
    """
    given = kernel.shape[CHANNELS]
    mean = kernel.mean(axis=CHANNELS, keepdims=True)
    return np.repeat(mean, channels, axis=CHANNELS) * (given / channels)


def fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether kernels differ in their input channels alone."""
    if len(shape) != len(wanted) or len(shape) < 2:
        return False
    axis = len(shape) + CHANNELS
    return shape[:axis] + shape[axis + 1 :] == wanted[:axis] + wanted[axis + 1 :]


def copy(trained: keras.Model, backbone: keras.Model) -> None:
    """Copy every variable; adapt the first layer's kernel where channels differ.

    Args:
        trained: of the same layers as `backbone`.
        backbone: gets the values.
    """
    for source, target in zip(trained.variables, backbone.variables, strict=True):
        value = source.numpy()
        if value.shape != tuple(target.shape):
            value = adapted(value, target.shape[CHANNELS])
        target.assign(value)
