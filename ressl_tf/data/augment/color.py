"""Colour operations, with torchvision's semantics.

Images are planar here, [batch, 3, height, width], float32 on 0..255: three full
planes are faster to work on than many triples. Factors are float32 [batch, 1, 1, 1].
"""

import tensorflow as tf

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma, as PIL's "L"
BRIGHTNESS, CONTRAST, SATURATION = range(3)


def grey(planes) -> tf.Tensor:
    """The luma of every pixel, [batch, 1, height, width]."""
    red, green, blue = tf.split(planes, 3, axis=1)
    return GREY_WEIGHTS[0] * red + GREY_WEIGHTS[1] * green + GREY_WEIGHTS[2] * blue


def blend(planes, kind, factor) -> tf.Tensor:
    """Changes the brightness, contrast or saturation of every image.

    Each is `factor * image + (1 - factor) * other`, clipped to 0..255, where other is
    black (brightness), the mean of the grey image (contrast) or the grey image
    (saturation): one formula, so that images of one batch may differ in kind.

    Args:
        planes: float32 [batch, 3, height, width].
        kind: int [batch, 1, 1, 1]: BRIGHTNESS, CONTRAST or SATURATION.
        factor: float32 [batch, 1, 1, 1]; 1 leaves the image as it is.
    """
    greys = grey(planes)
    mean = tf.reduce_mean(greys, axis=[2, 3], keepdims=True)
    of_mean = (1 - factor) * tf.cast(kind == CONTRAST, tf.float32)
    of_grey = (1 - factor) * tf.cast(kind == SATURATION, tf.float32)
    other = of_grey * greys + of_mean * mean  # [batch, 1, height, width]
    return tf.clip_by_value(factor * planes + other, 0.0, 255.0)


def shift_hue(planes, shift) -> tf.Tensor:
    """Turns the hue of every pixel by `shift` of the colour circle (HSV)."""
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


def jitter(planes, kinds, factors, shift, order, sizes=4) -> tf.Tensor:
    """Blends every image three times and turns its hue before, between or after.

    The batch is dealt into four equal hands: those whose hue comes first, second,
    third and last. Within a hand every image has its own order of the blends.

    Args:
        planes: float32 [batch, 3, height, width].
        kinds: int [batch, 3]: each image's order of the three kinds of `blend`.
        factors: float32 [batch, 3]: the factors, in that order.
        shift: float32 [batch]: of the hue, as a share of the circle.
        order: int [n], a permutation of 0..n-1, n = batch rounded up to a multiple of
            four: the images as they are dealt (those beyond the batch are discarded).
        sizes: int [4], of the hands; 4 for equal ones. A part of a batch has hands that
            are not.
    """
    batch = tf.shape(planes)[0]
    hands = tf.split(tf.minimum(order, batch - 1), sizes, num=4)
    dealt = [
        _jitter_hand(*(tf.gather(x, hand) for x in (planes, kinds, factors, shift)), i)
        for i, hand in enumerate(hands)
    ]
    return tf.gather(tf.concat(dealt, axis=0), tf.argsort(order)[:batch])


def _jitter_hand(planes, kinds, factors, shift, hue_position):
    kinds, factors = kinds[:, :, None, None, None], factors[:, :, None, None, None]
    for position in range(4):
        if position == hue_position:
            planes = shift_hue(planes, shift[:, None, None, None])
        if position < 3:
            planes = blend(planes, kinds[:, position], factors[:, position])
    return planes


def solarize(planes, threshold) -> tf.Tensor:
    """Inverts every value at or above the threshold."""
    return tf.where(planes >= threshold, 255 - planes, planes)
