"""A vision transformer of Keras's own layers: the ViT-S/16 of DeiT.

Dosovitskiy et al. (ICLR 2021); Touvron et al., DeiT (ICML 2021): 12 pre-norm blocks,
384 wide, 6 heads, learned positions. Features are the mean over the patches instead of
a class token: it did no worse, and is simpler (Beyer et al., Better plain ViT baselines
for ImageNet-1k, arXiv 2205.01580).

There is no batch normalisation: its scopes do nothing here, a view's features do not
depend on its batch, and nothing leaks between the samples of one. There is no dropout
either, see `applications`.
"""

import keras

from ressl_tf.runtime.errors import UsageError

DEPTH, HEADS, DIM = 12, 6, 384
PATCHES = {"standard": 16, "small_maxpool": 8, "small": 4}  # pixels
POSITIONS = "patches"  # the layer that holds the positions: one for each patch


def vit(
    name: str,
    *,
    image_size: int | None = None,
    stem: str = "standard",
    width: float = 1.0,
    batch_norm: str = "local",
    zero_init_gamma: bool = False,
    channels: int = 3,
) -> keras.Model:
    """Build a vision transformer from images of one size to features.

    Args:
        name: "vit_small".
        image_size: side of the images in pixels, a multiple of the patch's.
        stem: side of a patch: "standard" 16 pixels, "small_maxpool" 8, "small" 4.
        width: factor on the 384 channels; heads stay about 64 channels each, so that
            0.5 is DeiT-Ti and 2 is DeiT-B.
        batch_norm: without effect.
        zero_init_gamma: must be False.
        channels: of the images.

    Returns:
        A model from normalised images [batch, size, size, channels] to features
        [batch, dim].

    Raises:
        UsageError: when the positions do not fit: no size, or no whole patches.
    """
    patch = PATCHES[stem]
    if image_size is None or image_size % patch:
        raise UsageError(
            f"{name} has learned positions: its images must all have one size, with "
            f"--stem={stem} a multiple of {patch}. Received: image_size={image_size}"
        )
    heads = max(1, round(HEADS * width))
    dim = heads * max(1, round(DIM * width / heads))
    images = keras.Input((image_size, image_size, channels), name="images")
    x = _patches(images, patch, dim)
    for index in range(1, DEPTH + 1):
        x = _block(x, heads, f"block{index}")
    x = _norm("norm")(x)
    features = keras.layers.GlobalAveragePooling1D(name="avgpool")(x)
    return keras.Model(images, features, name=name)


def _patches(images: keras.KerasTensor, patch: int, dim: int) -> keras.KerasTensor:
    """Embed patches as tokens [batch, patches, dim]; the bias holds the positions.

    The layer is a convolution of size and stride `patch` with a bias for each place.
    """
    side = images.shape[1] // patch
    cut = (side, patch, side, patch, images.shape[3])
    x = keras.layers.Reshape(cut, name="cut")(images)
    x = keras.layers.EinsumDense(
        "bhpwqc,pqcd->bhwd",
        output_shape=(side, side, dim),
        bias_axes="hwd",
        kernel_initializer="lecun_normal",
        bias_initializer=_normal(),
        name=POSITIONS,
    )(x)
    return keras.layers.Reshape((side * side, dim), name="tokens")(x)


def _block(x: keras.KerasTensor, heads: int, name: str) -> keras.KerasTensor:
    dim = x.shape[-1]
    y = _norm(f"{name}_norm1")(x)
    attention = keras.layers.MultiHeadAttention(
        heads, dim // heads, kernel_initializer=_normal(), name=f"{name}_attention"
    )
    x = keras.layers.Add(name=f"{name}_add1")([x, attention(y, y)])
    y = _norm(f"{name}_norm2")(x)
    y = _dense(4 * dim, f"{name}_dense1")(y)
    y = keras.layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = _dense(dim, f"{name}_dense2")(y)
    return keras.layers.Add(name=f"{name}_add2")([x, y])


def _norm(name: str) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)


def _dense(units: int, name: str) -> keras.layers.Dense:
    return keras.layers.Dense(units, kernel_initializer=_normal(), name=name)


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)
