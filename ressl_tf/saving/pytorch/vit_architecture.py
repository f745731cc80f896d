"""Find out which vision transformer a state dict belongs to."""

import math
from collections.abc import Mapping

import numpy as np

from ressl_tf.config.data_flags import MOST_CHANNELS
from ressl_tf.models.backbones.vit import DEPTH, SIZES
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch.architecture import Architecture
from ressl_tf.saving.pytorch.vit_names import HEAD_DIM, MARKER


def find_vit(state: Mapping[str, np.ndarray]) -> Architecture:
    """Return the vision transformer that has these weights.

    Args:
        state: timm's names to arrays, a `patch_embed.proj.weight` among them.

    Raises:
        UsageError: it is none of ours; the message says what was found.
    """
    dim, channels, patch, width = _patch_shape(state)
    known = 1 <= channels <= MOST_CHANNELS
    if not known or patch != width or dim % HEAD_DIM:
        raise UsageError(
            f"{MARKER} must be [dim, channels, patch, patch], of 1 to {MOST_CHANNELS} "
            f"channels, with a dim of {HEAD_DIM} for each head. "
            f"Received: {list(state[MARKER].shape)}"
        )
    blocks = {name.split(".")[1] for name in state if name.startswith("blocks.")}
    if len(blocks) != DEPTH:
        raise UsageError(
            f"a ViT must have {DEPTH} blocks, as ViT-T, ViT-S and ViT-B have. "
            f"Received: {len(blocks)}"
        )
    names = {dim: name for name, (dim, _) in SIZES.items()}
    name = names.get(dim, "vit_small")
    return Architecture(
        name,
        dim / SIZES[name][0],
        "standard",
        channels,
        patch_size=patch,
        vit_pooling=_pooling(state),
        image_size=patch * _grid(state),
    )


def _patch_shape(state) -> tuple[int, ...]:
    shape = state[MARKER].shape
    return shape if len(shape) == 4 else (1, 0, 0, 0)


def _pooling(state) -> str:
    """Tell by class token and last normalisation what is pooled."""
    token, behind = "cls_token" in state, "fc_norm.weight" in state
    if behind and not token:
        raise UsageError(
            "a fc_norm, behind the mean over patches, is of ViTs with a class token "
            "here (--vit_pooling=mean_norm). Received: fc_norm.weight, no cls_token"
        )
    return "mean_norm" if behind else "token" if token else "mean"


def _grid(state) -> int:
    """Return the number of patches along a side."""
    positions = state.get("pos_embed", np.empty(0))
    extra = int("cls_token" in state)
    patches = positions.shape[1] - extra if positions.ndim == 3 else 0
    side = math.isqrt(max(patches, 0))
    if not side or side**2 != patches:
        raise UsageError(
            "pos_embed must be [1, patches, dim] of a square image, one more with a "
            f"cls_token. Received: {list(positions.shape)}"
        )
    return side
