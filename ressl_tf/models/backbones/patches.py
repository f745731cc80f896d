"""Images as tokens: patches with learned positions, which other sizes interpolate.

Dosovitskiy et al., An Image is Worth 16x16 Words (ICLR 2021), Sec. 3.1; interpolation
as DINO has it (Caron et al., ICCV 2021): PyTorch's bicubic, which is Keys's kernel with
a = -0.75, pixel centres at halves and no antialiasing. DINO's code adds 0.1 patch to
the new side against rounding; here nothing is rounded.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

SHARPNESS = -0.75  # a of the bicubic kernel


@keras.saving.register_keras_serializable(package="ressl_tf")
class PatchEmbedding(keras.layers.Layer):
    """A layer from images [batch, h, w, channels] to tokens [batch, n, dim].

    It is a convolution of size and stride `patch`, with a bias for each place: the
    positions, which take the place of the convolution's own bias. Images of another
    size than theirs get interpolated ones; pixels beyond the last whole patch are left
    out. The class token is learned with its position, as one vector.

    Args:
        patch: side of a patch in pixels.
        side: number of patches along a side that have positions of their own.
        dim: length of a token.
        class_token: whether a learned token stands before those of the patches.
    """

    def __init__(
        self, patch: int, side: int, dim: int, class_token: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.patch, self.side, self.dim = patch, side, dim
        self.has_class_token = class_token

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the kernel, the positions, and the class token where there is one."""
        learned = keras.initializers.TruncatedNormal(stddev=0.02)
        shape = (self.patch, self.patch, input_shape[-1], self.dim)
        kernel = keras.initializers.get("lecun_normal")
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=kernel)
        places = (self.side, self.side, self.dim)
        self.bias = self.add_weight(name="bias", shape=places, initializer=learned)
        if self.has_class_token:
            normal = keras.initializers.TruncatedNormal(stddev=0.02)
            self.class_token = self.add_weight(
                name="class_token", shape=(1, self.dim), initializer=normal
            )

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Return the class token, where there is one, and the tokens row by row."""
        patch, shape = self.patch, sides(images)
        rows, columns = shape[0] // patch, shape[1] // patch
        x = images[:, : rows * patch, : columns * patch]
        x = tf.reshape(x, (-1, rows, patch, columns, patch, images.shape[-1]))
        x = keras.ops.einsum("bhpwqc,pqcd->bhwd", x, self.kernel)
        x = x + self.positions(rows, columns)
        x = tf.reshape(x, (-1, rows * columns, self.dim))
        if not self.has_class_token:
            return x
        token = tf.cast(self.class_token, x.dtype)[None]
        return tf.concat([tf.tile(token, (tf.shape(x)[0], 1, 1)), x], axis=1)

    def positions(self, rows: int | tf.Tensor, columns: int | tf.Tensor) -> tf.Tensor:
        """Return a position for each patch of a grid, [rows, columns, dim]."""
        learned = tf.convert_to_tensor(self.bias)
        known = isinstance(rows, int) and isinstance(columns, int)
        if known and rows == columns == self.side:
            return learned
        vertical, horizontal = (interpolation(self.side, n) for n in (rows, columns))
        exact = tf.cast(learned, tf.float32)
        made = tf.einsum("hr,wc,rcd->hwd", vertical, horizontal, exact)
        return tf.cast(made, learned.dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of the tokens; their number where the size is known."""
        batch, height, width, _ = input_shape
        tokens = None
        if height is not None and width is not None:
            tokens = (height // self.patch) * (width // self.patch)
            tokens += self.has_class_token
        return (batch, tokens, self.dim)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        own = {"patch": self.patch, "side": self.side, "dim": self.dim}
        return {**super().get_config(), **own, "class_token": self.has_class_token}


@keras.saving.register_keras_serializable(package="ressl_tf")
class PatchMap(keras.layers.Layer):
    """A layer from tokens and the images they are of to a map, for any size of images.

    Args:
        patch: side of a patch in pixels.
        extra: number of tokens before those of the patches, which are left out.
    """

    def __init__(self, patch: int, extra: int, **kwargs):
        super().__init__(**kwargs)
        self.patch, self.extra = patch, extra

    def call(self, tokens: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
        """Return a map [batch, h / patch, w / patch, dim]."""
        rows, columns = (side // self.patch for side in sides(images))
        shape = (-1, rows, columns, tokens.shape[-1])
        return tf.reshape(tokens[:, self.extra :], shape)

    def compute_output_shape(
        self, tokens_shape: Any, images_shape: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the map."""
        known = images_shape[1:3]
        grid = (None if side is None else side // self.patch for side in known)
        return (tokens_shape[0], *grid, tokens_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "patch": self.patch, "extra": self.extra}


def sides(images: tf.Tensor) -> list[Any]:
    """Return height and width, as numbers where they are known."""
    dynamic = tf.shape(images)
    return [images.shape[i] or dynamic[i] for i in (1, 2)]


def interpolation(old: int, new: int | tf.Tensor) -> tf.Tensor:
    """Return the weights of bicubic interpolation along a line, float32 [new, old].

    Beyond the ends of the line its last value goes on. Where old and new are equal it
    is the identity.

    Args:
        old: number of values there are.
        new: number of values wanted.

    Reference: Keys, Cubic convolution interpolation for digital image processing
    (1981).
    """
    places = (tf.range(new, dtype=tf.float32) + 0.5) * old / tf.cast(new, tf.float32)
    places -= 0.5
    taps = tf.floor(places)[:, None] + tf.range(-1.0, 3.0)  # [new, 4]
    weights = _cubic(tf.abs(places[:, None] - taps))
    inside = tf.clip_by_value(tf.cast(taps, tf.int32), 0, old - 1)
    return tf.reduce_sum(weights[:, :, None] * tf.one_hot(inside, old), axis=1)


def _cubic(distance: tf.Tensor) -> tf.Tensor:
    a, d = SHARPNESS, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return tf.where(d <= 1, near, tf.where(d < 2, far, 0.0))


def stock_layers(
    embedding: PatchEmbedding, image_size: int, channels: int
) -> keras.Sequential:
    """Return Keras's own layers that make the same tokens of images of one size.

    With a class token, a patch of zeros stands before the others, and its bias is the
    token.

    Args:
        embedding: a built layer.
        image_size: side of the images in pixels.
        channels: of the images.
    """
    patch, dim = embedding.patch, embedding.dim
    rows = image_size // patch
    cut = keras.layers.Reshape((rows, patch, rows, patch, channels), name="cut")
    layers: list[Any] = [keras.Input((image_size, image_size, channels)), cut]
    if embedding.has_class_token:
        tokens, values = rows**2, patch**2 * channels
        equation, axes = "bnk,kd->bnd", "nd"
        layers += [
            keras.layers.Permute((1, 3, 2, 4, 5), name="by_patch"),
            keras.layers.Reshape((tokens, values), name="flat"),
            keras.layers.ZeroPadding1D((1, 0), name="place_of_token"),
        ]
    else:
        equation, axes = "bhpwqc,pqcd->bhwd", "hwd"
    token = embedding.has_class_token
    shape = (rows**2 + 1, dim) if token else (rows, rows, dim)
    dense = keras.layers.EinsumDense(
        equation, shape, bias_axes=axes, name=embedding.name
    )
    layers.append(dense)
    if not embedding.has_class_token:
        layers.append(keras.layers.Reshape((rows**2, dim), name="tokens"))
    return keras.Sequential(layers, name=embedding.name)


def stock_weights(embedding: PatchEmbedding, image_size: int) -> list[Any]:
    """Return kernel and bias for `stock_layers`."""
    rows = image_size // embedding.patch
    kernel, bias = embedding.kernel.numpy(), embedding.positions(rows, rows).numpy()
    if not embedding.has_class_token:
        return [kernel, bias]
    flat = bias.reshape(-1, embedding.dim)
    token = embedding.class_token.numpy()
    return [kernel.reshape(-1, embedding.dim), keras.ops.concatenate([token, flat])]


def on_grid(backbone: keras.Model, side: int) -> keras.Model:
    """Return a copy of a vision transformer with positions of another grid.

    They are interpolated once, instead of at every call.

    Args:
        backbone: with a `PatchEmbedding`.
        side: number of patches along a side that have positions of their own.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, PatchEmbedding):
            config = {**config, "side": side}
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(backbone, clone_function=clone)
    for source, target in zip(backbone.layers, copy.layers, strict=True):
        weights = source.get_weights()
        if isinstance(source, PatchEmbedding):
            weights[1] = source.positions(side, side).numpy()  # behind the kernel
        target.set_weights(weights)
    return copy
