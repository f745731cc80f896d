"""Colour operations, with torchvision's semantics.

Images are planar here, [batch, 3, height, width], float32 on 0..255: three whole
planes are faster to process than many triples. Factors are float32 [batch, 1, 1, 1].

Images of another number of channels have no colours. Their grey is the mean of the
channels, so that brightness and contrast mean the same; saturation and hue leave them
as they are.
"""

import tensorflow as tf

from ressl_tf.config.decoding import RGB

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma, as PIL's "L"
BRIGHTNESS, CONTRAST, SATURATION = range(3)


def has_colours(planes: tf.Tensor) -> bool:
    """Return whether planes, [n, channels, n], with or without batch, are RGB."""
    return planes.shape[1] == RGB


def grey(planes: tf.Tensor) -> tf.Tensor:
    """Compute the luma of every pixel, [batch, 1, height, width].

    Where there are no colours it is the mean of the channels.
    """
    if not has_colours(planes):
        return tf.reduce_mean(planes, axis=1, keepdims=True)
    red, green, blue = tf.split(planes, 3, axis=1)
    return GREY_WEIGHTS[0] * red + GREY_WEIGHTS[1] * green + GREY_WEIGHTS[2] * blue


def blend(planes: tf.Tensor, kind: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Change the brightness, contrast or saturation of every image.

    Each is `factor * image + (1 - factor) * other`, clipped to 0..255, where other is
    black (brightness), the mean of the grey image (contrast) or the grey image
    (saturation). It is one formula, so the images of a batch may differ in kind.

    Args:
        planes: float32 [batch, 3, height, width].
        kind: int [batch, 1, 1, 1]: BRIGHTNESS, CONTRAST or SATURATION.
        factor: float32 [batch, 1, 1, 1]; 1 leaves the image as it is.
    """
    if not has_colours(planes):
        factor = tf.where(kind == SATURATION, 1.0, factor)
    greys = grey(planes)
    mean = tf.reduce_mean(greys, axis=[2, 3], keepdims=True)
    of_mean = (1 - factor) * tf.cast(kind == CONTRAST, tf.float32)
    of_grey = (1 - factor) * tf.cast(kind == SATURATION, tf.float32)
    other = of_grey * greys + of_mean * mean  # [batch, 1, height, width]
    return tf.clip_by_value(factor * planes + other, 0.0, 255.0)


def shift_hue(planes: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Rotate the hue of every pixel by the fraction `shift` of the HSV circle."""
    if not has_colours(planes):
        return planes
    red, green, blue = tf.split(planes, 3, axis=1)
    top = tf.maximum(tf.maximum(red, green), blue)
    low = tf.minimum(tf.minimum(red, green), blue)
    chroma = top - low
    scale = 1 / tf.maximum(chroma, 1e-6)  # a grey pixel has any hue
    sixth = tf.where(
        top == red,
        (green - blue) * scale,
        tf.where(top == green, (blue - red) * scale + 2.0, (red - green) * scale + 4.0),
    )
    sixth = sixth / 6.0 + shift
    before = tf.reshape([5.0, 3.0, 1.0], [3, *[1] * (planes.shape.rank - 2)])
    place = 6.0 * (sixth - tf.floor(sixth)) + before  # 0 is where the channel falls
    place -= 6.0 * tf.cast(place >= 6.0, tf.float32)
    return top - chroma * tf.clip_by_value(tf.minimum(place, 4 - place), 0.0, 1.0)


def jitter(
    planes: tf.Tensor,
    kinds: tf.Tensor,
    factors: tf.Tensor,
    shift: tf.Tensor,
    order: tf.Tensor,
    sizes: tf.Tensor | int = 4,
) -> tf.Tensor:
    """Blend every image three times and shift its hue before, between or after.

    The batch is split into four equal groups: those whose hue comes first, second,
    third and last. Within a group every image has its own order of the blends.

    Args:
        planes: float32 [batch, 3, height, width].
        kinds: int [batch, 3]: each image's order of the three kinds of `blend`.
        factors: float32 [batch, 3]: the factors, in that order.
        shift: float32 [batch]: of the hue, as a fraction of the circle.
        order: int [n], a permutation of 0..n-1, n = batch rounded up to a multiple of
            four: the images, group after group (those beyond the batch are discarded).
        sizes: int [4], sizes of the groups; the number 4 for equal ones. The groups of
            a shard of a batch differ in size.
    """
    batch = tf.shape(planes)[0]
    groups = tf.split(tf.minimum(order, batch - 1), sizes, num=4)
    jittered = [
        _jitter_group(
            tf.gather(planes, group),
            tf.gather(kinds, group),
            tf.gather(factors, group),
            tf.gather(shift, group),
            hue_position,
        )
        for hue_position, group in enumerate(groups)
    ]
    return tf.gather(tf.concat(jittered, axis=0), tf.argsort(order)[:batch])


def hue_places(
    shift: tf.Tensor, order: tf.Tensor, sizes: tf.Tensor | None = None, **_: tf.Tensor
) -> tf.Tensor:
    """Return when the hue of each image comes: int32 [batch], 0 first, 3 last.

    Args:
        shift: of `jitter`.
        order: of `jitter`.
        sizes: of `jitter`; None for equal groups.
        **_: the rest of what `jitter` takes.
    """
    if sizes is None:
        sizes = tf.fill([4], tf.size(order) // 4)
    place = tf.argsort(order)[: tf.size(shift)]
    return tf.searchsorted(tf.cumsum(sizes), place, side="right")


def _jitter_group(
    planes: tf.Tensor,
    kinds: tf.Tensor,
    factors: tf.Tensor,
    shift: tf.Tensor,
    hue_position: int,
) -> tf.Tensor:
    kinds, factors = kinds[:, :, None, None, None], factors[:, :, None, None, None]
    for position in range(4):
        if position == hue_position:
            planes = shift_hue(planes, shift[:, None, None, None])
        if position < 3:
            planes = blend(planes, kinds[:, position], factors[:, position])
    return planes


def solarize(planes: tf.Tensor, threshold: float | tf.Tensor) -> tf.Tensor:
    """Invert every value at or above the threshold."""
    return tf.where(planes >= threshold, 255 - planes, planes)
