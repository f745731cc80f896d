"""torchvision's random transforms as seeded keras-cv layers.

keras-cv's stock layers have other units, borders and distributions, so these subclass
its vectorised base. A layer takes and returns `{"images": ..., "seed": ...}` (other
entries pass through): images [batch, height, width, 3] (or one image, without batch),
RGB on 0..255, uint8 or float32; seed int32 [2]. Out come float32 images. Every image
of a batch has draws of its own, which depend on nothing but the seed, its place in the
batch and the layer's class. Randomness has no state: advance the seed between batches.
"""

import zlib

import keras
import keras_cv
import tensorflow as tf

from ressl_tf.data.augment import blur, color, crop, resample
from ressl_tf.data.augment.masked import change_drawn, coin
from ressl_tf.runtime.errors import UsageError

SPATIAL_LABELS = ("bounding_boxes", "keypoints", "segmentation_masks")

serializable = keras.saving.register_keras_serializable(package="ressl_tf")


class SeededAugmentation(keras_cv.layers.VectorizedBaseImageAugmentationLayer):
    """Base: hands the seed to the draws; float32 under every mixed-precision policy.

    A colour layer defines `augment_planes` on [batch, 3, height, width], a geometric
    one overrides `augment_images`; both define `get_random_transformation_batch`.
    """

    def __init__(self, **kwargs):
        # The parent makes a stateful generator, which only its own layers use.
        super().__init__(seed=1, **{**kwargs, "dtype": "float32"})
        self._random_generator = None

    def draw(self, images, seed, part=None):
        """The random transformations of a batch; only the number of images counts.

        Args:
            images: the batch.
            seed: int32 [2].
            part: (index, count) where `images` are but one of equal parts of a batch:
                they get what they would get in the whole.
        """
        seed = tf.random.experimental.stateless_fold_in(
            tf.reshape(seed, [2]), zlib.crc32(type(self).__name__.encode()) >> 1
        )
        batch = tf.shape(images)[0]
        index, count = (0, 1) if part is None else (part[0], part[1])
        drawn = self.get_random_transformation_batch(
            batch * count, images=images, seed=seed
        )
        return drawn if part is None else self.take(drawn, index * batch, batch)

    def take(self, transformations, start, count):
        """Those of the images `start` to before `start + count` of a batch."""
        return tf.nest.map_structure(
            lambda drawn: drawn[start : start + count], transformations
        )

    def augment_images(self, images, transformations, **kwargs):
        return to_images(self.augment_planes(to_planes(images), transformations))

    def augment_planes(self, planes, transformations):
        raise NotImplementedError

    def _batch_augment(self, inputs):
        """The parent's, with the seed; labels stay, spatial ones would go wrong."""
        if spatial := [key for key in SPATIAL_LABELS if key in inputs]:
            raise UsageError(
                f"{type(self).__name__} moves images, not {', '.join(SPATIAL_LABELS)}:"
                f" leave these out. Received: {', '.join(spatial)}"
            )
        images = inputs["images"]
        draws = self.draw(images, inputs["seed"], inputs.get("part"))
        return {**inputs, "images": self.augment_images(images, draws)}


def to_planes(images) -> tf.Tensor:
    """[batch, height, width, 3] -> [batch, 3, height, width]."""
    return tf.transpose(images, [0, 3, 1, 2])


def to_images(planes) -> tf.Tensor:
    """[batch, 3, height, width] -> [batch, height, width, 3]."""
    return tf.transpose(planes, [0, 2, 3, 1])


@serializable
class RandomResizedCrop(SeededAugmentation):
    """A random box of the image, resampled to a square.

    Args:
        size: side of the output in pixels.
        scale: range of the box's share of the area.
        ratio: range of the box's width / height.
        antialias: whether the bilinear filter widens where the box shrinks.
        flip_p: probability to mirror left and right as well. It costs nothing here, a
            RandomHorizontalFlip afterwards costs as much as the crop.
    """

    def __init__(
        self,
        size,
        scale=(0.2, 1.0),
        ratio=(3 / 4, 4 / 3),
        antialias=True,
        flip_p=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if int(size) != size or size < 1:
            raise UsageError(f"size must be a positive whole number. Received: {size}")
        if not 0 < scale[0] <= scale[1] <= 1:
            raise UsageError(f"scale must be 0 < low <= high <= 1. Received: {scale}")
        if not 0 < ratio[0] <= ratio[1]:
            raise UsageError(f"ratio must be 0 < low <= high. Received: {ratio}")
        if not 0 <= flip_p <= 1:
            raise UsageError(f"flip_p must be within 0..1. Received: {flip_p}")
        self.size, self.antialias = int(size), antialias
        self.scale, self.ratio, self.flip_p = tuple(scale), tuple(ratio), flip_p

    def get_random_transformation_batch(self, batch_size, images, seed):
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        return {
            "draws": crop.draw(seeds[0], batch_size),
            "mirrored": coin(seeds[1], batch_size, self.flip_p),
        }

    def place(self, images, transformations) -> dict[str, tf.Tensor]:
        """The boxes of these images: what `resample.crop_and_resize` takes, by name."""
        height, width = tf.shape(images)[1], tf.shape(images)[2]
        return {
            "boxes": crop.boxes(
                transformations["draws"], height, width, self.scale, self.ratio
            ),
            "mirrored": transformations["mirrored"],
            "size": self.size,
            "antialias": self.antialias,
        }

    def augment_images(self, images, transformations, **kwargs):
        return resample.crop_and_resize(images, **self.place(images, transformations))

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "scale": self.scale,
            "ratio": self.ratio,
            "antialias": self.antialias,
            "flip_p": self.flip_p,
        }


class RandomlyApplied(SeededAugmentation):
    """Base of the layers that change an image with probability p."""

    def __init__(self, p, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= p <= 1:
            raise UsageError(f"p must be within 0..1. Received: {p}")
        self.p = p

    def get_random_transformation_batch(self, batch_size, images, seed):
        return coin(seed, batch_size, self.p)

    def get_config(self):
        return {**super().get_config(), "p": self.p}


@serializable
class RandomHorizontalFlip(RandomlyApplied):
    """Mirrors left and right with probability p."""

    def __init__(self, p=0.5, **kwargs):
        super().__init__(p, **kwargs)

    def augment_images(self, images, transformations, **kwargs):
        return change_drawn(
            images, transformations, lambda drawn, _: tf.reverse(drawn, axis=[2])
        )


@serializable
class ColorJitter(RandomlyApplied):
    """With probability p: brightness, contrast, saturation, hue in a random order.

    Args:
        brightness, contrast, saturation: b, for factors U(max(0, 1 - b), 1 + b).
        hue: h, for shifts U(-h, h) of the colour circle; at most 0.5.
        p: probability that an image is changed at all.
    """

    def __init__(
        self, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, p=0.8, **kwargs
    ):
        super().__init__(p, **kwargs)
        strengths = (brightness, contrast, saturation)
        if min(strengths) < 0:
            raise UsageError(
                "brightness, contrast and saturation must be at least 0. "
                f"Received: {strengths}"
            )
        if not 0 <= hue <= 0.5:
            raise UsageError(f"hue must be within 0..0.5. Received: {hue}")
        self.strengths, self.hue = strengths, hue

    def get_random_transformation_batch(self, batch_size, images, seed):
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        draws = tf.random.stateless_uniform([batch_size, 8], seeds[0])
        drawn = draws[:, 7:] < self.p
        low = [max(0.0, 1 - strength) for strength in self.strengths]
        width = [1 + b - low for b, low in zip(self.strengths, low, strict=True)]
        factors = tf.where(drawn, tf.constant(low) + width * draws[:, :3], 1.0)
        shift = tf.where(drawn[:, 0], self.hue * (2 * draws[:, 3] - 1), 0.0)
        kinds = tf.argsort(draws[:, 4:7])  # a random order of the three blends
        places = tf.random.stateless_uniform([-(-batch_size // 4) * 4], seeds[1])
        return {
            "kinds": kinds,
            "factors": tf.gather(factors, kinds, batch_dims=1),
            "shift": shift,
            "order": tf.argsort(places),
        }

    def take(self, transformations, start, count):
        order = transformations.pop("order")
        hands = tf.split(order, 4)
        inside = [(hand >= start) & (hand < start + count) for hand in hands]
        masks = zip(hands, inside, strict=True)
        order = [tf.boolean_mask(hand, mask) - start for hand, mask in masks]
        sizes = [tf.size(hand) for hand in order]
        taken = super().take(transformations, start, count)
        return {**taken, "order": tf.concat(order, 0), "sizes": tf.stack(sizes)}

    def augment_planes(self, planes, transformations):
        return color.jitter(planes, **transformations)

    def get_config(self):
        brightness, contrast, saturation = self.strengths
        return {
            **super().get_config(),
            "brightness": brightness,
            "contrast": contrast,
            "saturation": saturation,
            "hue": self.hue,
        }


@serializable
class RandomGrayscale(RandomlyApplied):
    """Replaces the image by its luma with probability p."""

    def __init__(self, p=0.2, **kwargs):
        super().__init__(p, **kwargs)

    def augment_planes(self, planes, transformations):
        return change_drawn(
            planes,
            transformations,
            lambda drawn, _: tf.repeat(color.grey(drawn), 3, axis=1),
        )


@serializable
class GaussianBlur(RandomlyApplied):
    """Blurs with probability p; borders are reflected.

    Args:
        p: probability.
        sigma: range of the standard deviation in pixels, drawn uniformly; at most 2.
    """

    def __init__(self, p=0.5, sigma=(0.1, 2.0), **kwargs):
        super().__init__(p, **kwargs)
        if not 0 < sigma[0] <= sigma[1] <= blur.LARGEST_SIGMA:
            raise UsageError(
                f"sigma must be 0 < low <= high <= {blur.LARGEST_SIGMA}: the kernel's "
                f"radius is {blur.RADIUS} pixels. Received: {sigma}"
            )
        self.sigma = tuple(sigma)

    def get_random_transformation_batch(self, batch_size, images, seed):
        draws = tf.random.stateless_uniform([2, batch_size], seed)
        low, high = self.sigma
        return {"drawn": draws[0] < self.p, "sigma": low + (high - low) * draws[1]}

    def augment_planes(self, planes, transformations):
        blur.check_sides(planes.shape[2:])
        sigma = transformations["sigma"]
        return change_drawn(
            planes,
            transformations["drawn"],
            lambda drawn, places: blur.blur(drawn, tf.gather_nd(sigma, places)),
        )

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}


@serializable
class RandomSolarize(RandomlyApplied):
    """With probability p, inverts all values at or above the threshold (0..255)."""

    def __init__(self, p, threshold=128, **kwargs):
        super().__init__(p, **kwargs)
        self.threshold = threshold

    def augment_planes(self, planes, transformations):
        return change_drawn(
            planes,
            transformations,
            lambda drawn, _: color.solarize(drawn, self.threshold),
        )

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}
