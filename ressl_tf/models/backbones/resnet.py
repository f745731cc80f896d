"""ResNet-18/34/50/101 with PyTorch's padding and initialisation.

He et al., Deep Residual Learning (CVPR 2016), in torchvision's form: stride on the
3x3 convolution of a bottleneck, Kaiming-normal fan-out, names as in torchvision with
`.` written as `_`.
"""

import keras

from ressl_tf.models.backbones.batch_norm import BatchNormalization

BLOCKS = {
    "resnet18": ("basic", (2, 2, 2, 2)),
    "resnet34": ("basic", (3, 4, 6, 3)),
    "resnet50": ("bottleneck", (3, 4, 6, 3)),
    "resnet101": ("bottleneck", (3, 4, 23, 3)),
}


def resnet(
    name: str,
    *,
    image_size: int | None = None,
    stem: str = "standard",
    width: float = 1.0,
    batch_norm: str = "local",
    zero_init_gamma: bool = False,
    channels: int = 3,
) -> keras.Model:
    """Build a residual network from images to features.

    Args:
        name: one of `BLOCKS`.
        image_size: side of the images in pixels; None takes any.
        stem: "standard" (7x7 stride 2, max-pool), "small" (3x3 stride 1, no pool; for
            32 px), "small_maxpool" (3x3 stride 1, max-pool; for 64 to 96 px) or
            "small_pad2" ("small", padded by 2 pixels, as solo-learn's networks are).
        width: factor on every number of channels.
        batch_norm: scope of the statistics, see `BatchNormalization`.
        zero_init_gamma: start each block as the identity, by a zero scale in its last
            batch normalisation (Goyal et al., arXiv 1706.02677, Sec. 5.1).
        channels: of the images.

    Returns:
        A model from normalised images [batch, height, width, channels] to features
        [batch, 512 * width], or [batch, 2048 * width] for bottlenecks.
    """
    kind, repeats = BLOCKS[name]
    block = {"basic": _basic, "bottleneck": _bottleneck}[kind]
    base = round(64 * width)
    last_gamma = "zeros" if zero_init_gamma else "ones"
    images = keras.Input((image_size, image_size, channels), name="images")
    x = _stem(images, base, stem, batch_norm)
    for stage, repeat in enumerate(repeats):
        for index in range(repeat):
            stride = 2 if stage > 0 and index == 0 else 1
            prefix = f"layer{stage + 1}_{index}"
            x = block(x, base * 2**stage, stride, prefix, batch_norm, last_gamma)
    features = keras.layers.GlobalAveragePooling2D(name="avgpool")(x)
    return keras.Model(images, features, name=name)


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    """Convolve without bias, padded alike on both sides, as PyTorch pads.

    TF's "same" pads a strided convolution on the far side only.
    """
    if kernel > 1 and stride > 1:
        x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, mode="fan_out", distribution="untruncated_normal"
        ),
        name=name,
    )(x)


def _norm_relu(x: keras.KerasTensor, scope: str, name: str) -> keras.KerasTensor:
    x = BatchNormalization(scope, name=name)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _stem(
    x: keras.KerasTensor, filters: int, stem: str, scope: str
) -> keras.KerasTensor:
    kernel, stride = (7, 2) if stem == "standard" else (3, 1)
    if stem == "small_pad2":
        x = keras.layers.ZeroPadding2D(1, name="conv1_pad")(x)
    x = _norm_relu(_conv(x, filters, kernel, stride, "conv1"), scope, "bn1")
    if stem in ("small", "small_pad2"):
        return x
    # Zeros pad as well as minus infinity would: x is not negative after the ReLU.
    x = keras.layers.ZeroPadding2D(1, name="maxpool_pad")(x)
    return keras.layers.MaxPooling2D(3, 2, name="maxpool")(x)


def _shortcut(
    x: keras.KerasTensor, filters: int, stride: int, prefix: str, scope: str
) -> keras.KerasTensor:
    """Return the input of a block, or a 1x1 convolution of it.

    A pooling of single pixels takes the stride: the same bits, at the same speed. The
    gradient of a strided convolution of 8 channels writes beyond its memory in oneDNN.
    """
    if stride == 1 and x.shape[-1] == filters:
        return x
    if stride > 1:
        x = keras.layers.AveragePooling2D(1, stride, name=f"{prefix}_downsample")(x)
    x = _conv(x, filters, 1, 1, f"{prefix}_downsample_0")
    return BatchNormalization(scope, name=f"{prefix}_downsample_1")(x)


def _add_relu(
    x: keras.KerasTensor, shortcut: keras.KerasTensor, prefix: str
) -> keras.KerasTensor:
    x = keras.layers.Add(name=f"{prefix}_add")([x, shortcut])
    return keras.layers.ReLU(name=f"{prefix}_relu")(x)


def _basic(
    x: keras.KerasTensor,
    filters: int,
    stride: int,
    prefix: str,
    scope: str,
    last_gamma: str,
) -> keras.KerasTensor:
    shortcut = _shortcut(x, filters, stride, prefix, scope)
    x = _conv(x, filters, 3, stride, f"{prefix}_conv1")
    x = _norm_relu(x, scope, f"{prefix}_bn1")
    x = _conv(x, filters, 3, 1, f"{prefix}_conv2")
    norm = BatchNormalization(scope, gamma_initializer=last_gamma, name=f"{prefix}_bn2")
    x = norm(x)
    return _add_relu(x, shortcut, prefix)


def _bottleneck(
    x: keras.KerasTensor,
    filters: int,
    stride: int,
    prefix: str,
    scope: str,
    last_gamma: str,
) -> keras.KerasTensor:
    shortcut = _shortcut(x, 4 * filters, stride, prefix, scope)
    x = _norm_relu(_conv(x, filters, 1, 1, f"{prefix}_conv1"), scope, f"{prefix}_bn1")
    x = _conv(x, filters, 3, stride, f"{prefix}_conv2")
    x = _norm_relu(x, scope, f"{prefix}_bn2")
    x = _conv(x, 4 * filters, 1, 1, f"{prefix}_conv3")
    norm = BatchNormalization(scope, gamma_initializer=last_gamma, name=f"{prefix}_bn3")
    x = norm(x)
    return _add_relu(x, shortcut, prefix)
