"""Compare a converted network with PyTorch's, both run on the same images."""

import logging

import keras
import numpy as np

from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import RunError
from ressl_tf.saving.pytorch import timm_networks, torch_networks
from ressl_tf.saving.pytorch.families import find
from ressl_tf.saving.pytorch.parameter_names import State
from ressl_tf.saving.rebuild import rebuild

log = logging.getLogger("ressl_tf")
TOLERANCE = 1e-4
SIDE = 64  # pixels, of a network for any size


def largest_difference(encoder: Encoder, state: State) -> float:
    """Return the largest difference of the features of two images of noise.

    Where a feature is above 1, it is the difference over the largest feature.

    Args:
        encoder: with our network.
        state: the backbone by torchvision's or timm's names.

    Raises:
        UsageError: PyTorch, or timm where it is needed, is not installed.
        RunError: the difference is above 1e-4.
    """
    found = find(state)
    side = found.image_size or encoder.backbone.input_shape[1] or SIDE
    shape = (2, side, side, encoder.channels)
    images = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
    ours = rebuild(encoder, side).features(images).numpy()
    normal = ((images / 255 - encoder.mean) / encoder.std).transpose(0, 3, 1, 2)
    given = np.ascontiguousarray(normal, "float32")
    if timm_networks.has(found.backbone):
        theirs = timm_networks.features(state, given, found)
    elif found.patch_size:
        theirs = torch_networks.vit(state, given, found.vit_pooling)
    else:
        theirs = torch_networks.resnet(state, given, _stem(encoder.backbone))
    largest = float(abs(ours - theirs).max() / max(1.0, abs(theirs).max()))
    log.info("largest difference from PyTorch's features: %.2g", largest)
    if not largest <= TOLERANCE:
        raise RunError(
            f"the features differ from PyTorch's by {largest:.2g}, more than "
            f"{TOLERANCE:g}: weights do not tell all of a network; see --stem and "
            "--normalization"
        )
    return largest


def _stem(backbone: keras.Model) -> str:
    """Tell the stem of a ResNet by its layers."""
    names = {layer.name for layer in backbone.layers}
    if backbone.get_layer("conv1").kernel_size[0] == 7:
        return "standard"
    if "maxpool" in names:
        return "small_maxpool"
    return "small_pad2" if "conv1_pad" in names else "small"
