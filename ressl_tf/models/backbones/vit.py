"""Vision transformers of the sizes of DeiT and DINO: ViT-T, ViT-S and ViT-B.

Dosovitskiy et al. (ICLR 2021); Touvron et al., DeiT (ICML 2021): 12 pre-norm blocks,
64 channels a head, learned positions, exact GELU. Features are the mean over the
patches, as in Beyer et al., Better plain ViT baselines for ImageNet-1k (arXiv
2205.01580), or the class token, as in DeiT and DINO.

There is no batch normalisation: its scopes do nothing here, a view's features do not
depend on its batch, and nothing leaks between the samples of one. Stochastic depth
draws by the seed of the step, in the student alone; there is no other dropout, as in
DeiT and DINO.
"""

import keras
import numpy as np

from ressl_tf.config.backbone_table import PATCHES, check_patches
from ressl_tf.models.backbones.patches import PatchEmbedding
from ressl_tf.models.step_draws import StepDropout

DEPTH = 12
SIZES = {"vit_tiny": (192, 3), "vit_small": (384, 6), "vit_base": (768, 12)}
POSITIONS = "patches"  # the layer that holds the positions: one for each patch
OF_SAMPLES = (None, 1, 1)  # what stochastic depth drops together


def vit(
    name: str,
    *,
    image_size: int | None = None,
    position_size: int | None = None,
    stem: str = "standard",
    patch_size: int = 0,
    vit_pooling: str = "mean",
    drop_path: float = 0.0,
    width: float = 1.0,
    batch_norm: str = "local",
    zero_init_gamma: bool = False,
    channels: int = 3,
) -> keras.Model:
    """Build a vision transformer from images to features.

    Args:
        name: one of `SIZES`: channels and heads.
        image_size: side of the images in pixels, a multiple of the patch's; None takes
            any.
        position_size: side of the images whose patches have positions of their own,
            others get interpolated ones; None for `image_size`.
        stem: side of a patch: "standard" 16 pixels, "small_maxpool" 8, "small" 4.
        patch_size: side of a patch in pixels instead; 0 for that of `stem`.
        vit_pooling: "mean" over the normalised patches; "token": the normalised class
            token; "mean_norm": the mean over the patches, normalised, beside a class
            token (fc_norm in timm and MAE).
        drop_path: rate of stochastic depth in the last block; in the others it grows
            linearly, from 0 in the first (DeiT).
        width: factor on the channels; heads stay about 64 channels each.
        batch_norm: without effect.
        zero_init_gamma: must be False.
        channels: of the images.

    Returns:
        A model from normalised images [batch, size, size, channels] to features
        [batch, dim].

    Raises:
        UsageError: when the positions do not fit: no size, or no whole patches.
    """
    patch = patch_size or PATCHES[stem]
    place = position_size or image_size
    check_patches(name, patch, (place, image_size or place))
    assert place is not None  # checked
    dim, heads = SIZES[name]
    heads, wanted = max(1, round(heads * width)), dim * width
    dim = heads * max(1, round(wanted / heads))
    images = keras.Input((image_size, image_size, channels), name="images")
    token = vit_pooling != "mean"
    x = PatchEmbedding(patch, place // patch, dim, token, name=POSITIONS)(images)
    for index, rate in enumerate(np.linspace(0, drop_path, DEPTH), 1):
        x = _block(x, heads, f"block{index}", float(rate))
    return keras.Model(images, _pooled(x, vit_pooling), name=name)


def _pooled(x: keras.KerasTensor, pooling: str) -> keras.KerasTensor:
    """Return features of the last tokens; see `vit_pooling` of `vit`."""
    mean = keras.layers.GlobalAveragePooling1D(name="avgpool")
    if pooling == "mean":
        return mean(_norm("norm")(x))
    if pooling == "token":
        return _norm("norm")(x)[:, 0]
    return _norm("fc_norm")(mean(x[:, 1:]))


def _block(
    x: keras.KerasTensor, heads: int, name: str, drop_path: float
) -> keras.KerasTensor:
    dim = x.shape[-1]
    y = _norm(f"{name}_norm1")(x)
    attention = keras.layers.MultiHeadAttention(
        heads, dim // heads, kernel_initializer=_normal(), name=f"{name}_attention"
    )
    y = _dropped(attention(y, y), drop_path, f"{name}_drop1")
    x = keras.layers.Add(name=f"{name}_add1")([x, y])
    y = _norm(f"{name}_norm2")(x)
    y = _dense(4 * dim, f"{name}_dense1")(y)
    y = keras.layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = _dense(dim, f"{name}_dense2")(y)
    y = _dropped(y, drop_path, f"{name}_drop2")
    return keras.layers.Add(name=f"{name}_add2")([x, y])


def _dropped(y: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    """Drop a branch of whole samples at random, in training."""
    return StepDropout(rate, OF_SAMPLES, name=name)(y) if rate else y


def _norm(name: str) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)


def _dense(units: int, name: str) -> keras.layers.Dense:
    return keras.layers.Dense(units, kernel_initializer=_normal(), name=name)


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)
