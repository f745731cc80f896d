"""torchvision's random transforms as seeded keras-cv layers.

keras-cv's stock layers have other units, borders and distributions, so these subclass
its vectorised base (`seeded`). A layer takes and returns a dict with "images" and
"seed"; other entries pass through. The images are [batch, height, width, 3], or one
image without batch, RGB on 0..255, uint8 or float32; the seed is int32 [2]. The results
are float32 images. Images may have another number of channels; what is about colours
leaves them as they are (`color`).

Every image of a batch is transformed by samples of its own. These depend only on the
seed, its place in the batch and the layer's class. Randomness has no state: advance the
seed between batches.
"""

from typing import Any

import keras
import tensorflow as tf

from ressl_tf.data.augment import blur, color, crop, resample, turns
from ressl_tf.data.augment.masked import apply_where, coin
from ressl_tf.data.augment.seeded import RandomlyApplied, Samples, SeededAugmentation
from ressl_tf.runtime.errors import UsageError

serializable = keras.saving.register_keras_serializable(package="ressl_tf")


@serializable
class RandomResizedCrop(SeededAugmentation):
    """A random box of the image, resampled to a square.

    Args:
        size: side of the output in pixels.
        scale: range of the fraction of the area that the box has.
        ratio: range of the box's width / height.
        antialias: whether the bilinear filter widens where the box shrinks.
        flip_p: probability to mirror left and right as well. It costs nothing here; a
            RandomHorizontalFlip afterwards costs as much as the crop.
        vertical_flip_prob: probability to mirror up and down as well.
        quarter_turns: whether to turn by 0, 90, 180 or 270 degrees, drawn evenly.
        rotation: largest angle in degrees, drawn from U(-rotation, rotation), about the
            crop's centre; its corners are filled by reflection.
    """

    def __init__(
        self,
        size: int,
        scale: tuple[float, float] = (0.2, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        antialias: bool = True,
        flip_p: float = 0.0,
        vertical_flip_prob: float = 0.0,
        quarter_turns: bool = False,
        rotation: float = 0.0,
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
        turns.check(vertical_flip_prob, rotation)
        self.size, self.antialias = int(size), antialias
        self.scale, self.ratio, self.flip_p = tuple(scale), tuple(ratio), flip_p
        self.vertical_flip_prob, self.quarter_turns = vertical_flip_prob, quarter_turns
        self.rotation = rotation

    def get_random_transformation_batch(
        self, batch_size: Any, images: tf.Tensor, seed: tf.Tensor
    ) -> Samples:
        """Sample the numbers that make boxes, and how to mirror and turn images."""
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        mirrored = coin(seeds[1], batch_size, self.flip_p)
        options = self.vertical_flip_prob, self.quarter_turns, self.rotation
        turned = turns.sample(seed, mirrored, *options)
        return {"draws": crop.sample(seeds[0], batch_size), **turned}

    def place(self, sides: tf.Tensor, transformations: Samples) -> dict[str, Any]:
        """Place the boxes on images of these sides, int32 [2].

        Returns:
            The arguments of `resample`'s function.
        """
        height, width = tf.unstack(sides)
        draws = transformations["draws"]
        boxes = crop.boxes(draws, height, width, self.scale, self.ratio)
        if "upside_down" in transformations:
            boxes = crop.upside_down(boxes, transformations["upside_down"])
        return {
            "boxes": boxes,
            "mirrored": transformations["mirrored"],
            "size": self.size,
            "antialias": self.antialias,
        }

    def augment_images(
        self, images: tf.Tensor, transformations: Samples, **kwargs: Any
    ) -> tf.Tensor:
        """Crop, resample, mirror and turn images [batch, height, width, 3]."""
        placed = self.place(tf.shape(images)[1:3], transformations)
        return turns.apply(resample.crop_and_resize(images, **placed), transformations)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "size": self.size,
            "scale": self.scale,
            "ratio": self.ratio,
            "antialias": self.antialias,
            "flip_p": self.flip_p,
            "vertical_flip_prob": self.vertical_flip_prob,
            "quarter_turns": self.quarter_turns,
            "rotation": self.rotation,
        }


@serializable
class RandomHorizontalFlip(RandomlyApplied):
    """A mirroring of left and right with probability p."""

    def __init__(self, p: float = 0.5, **kwargs):
        super().__init__(p, **kwargs)

    def augment_images(
        self, images: tf.Tensor, transformations: Samples, **kwargs: Any
    ) -> tf.Tensor:
        """Mirror the chosen images of [batch, height, width, 3]."""
        return apply_where(
            images, transformations, lambda chosen, _: tf.reverse(chosen, axis=[2])
        )


@serializable
class ColorJitter(RandomlyApplied):
    """Brightness, contrast, saturation and hue in a random order, with probability p.

    Args:
        brightness: b, for factors U(max(0, 1 - b), 1 + b).
        contrast: as brightness.
        saturation: as brightness.
        hue: h, for shifts U(-h, h) of the colour circle; at most 0.5.
        p: probability that an image is changed at all.
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        hue: float = 0.1,
        p: float = 0.8,
        **kwargs,
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

    def get_random_transformation_batch(
        self, batch_size: Any, images: tf.Tensor, seed: tf.Tensor
    ) -> Samples:
        """Sample factors and orders: the arguments of `color.jitter`, by name."""
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        draws = tf.random.stateless_uniform([batch_size, 8], seeds[0])
        chosen = draws[:, 7:] < self.p
        low = [max(0.0, 1 - strength) for strength in self.strengths]
        width = [1 + b - low for b, low in zip(self.strengths, low, strict=True)]
        factors = tf.where(chosen, tf.constant(low) + width * draws[:, :3], 1.0)
        shift = tf.where(chosen[:, 0], self.hue * (2 * draws[:, 3] - 1), 0.0)
        kinds = tf.argsort(draws[:, 4:7])  # a random order of the three blends
        places = tf.random.stateless_uniform([-(-batch_size // 4) * 4], seeds[1])
        return {
            "kinds": kinds,
            "factors": tf.gather(factors, kinds, batch_dims=1),
            "shift": shift,
            "order": tf.argsort(places),
        }

    def take(self, transformations: Samples, start: Any, count: Any) -> Samples:
        """Take those of some images of a batch; their groups then differ in size."""
        order = transformations.pop("order")
        groups = tf.split(order, 4)
        inside = [(group >= start) & (group < start + count) for group in groups]
        masks = zip(groups, inside, strict=True)
        order = [tf.boolean_mask(group, mask) - start for group, mask in masks]
        sizes = [tf.size(group) for group in order]
        taken = super().take(transformations, start, count)
        return {**taken, "order": tf.concat(order, 0), "sizes": tf.stack(sizes)}

    def per_image(self, transformations: Samples) -> Samples:
        """Give each image the place of its hue as a group of its own."""
        place = color.hue_places(**transformations)
        return {
            **transformations,
            "order": tf.zeros_like(place),
            "sizes": tf.one_hot(place, 4, dtype=tf.int32),
        }

    def augment_planes(self, planes: tf.Tensor, transformations: Samples) -> tf.Tensor:
        """Jitter the colours of images [batch, 3, height, width]."""
        if "sizes" in transformations:  # [1, 4] of one image
            sizes = tf.reshape(transformations["sizes"], [4])
            transformations = {**transformations, "sizes": sizes}
        return color.jitter(planes, **transformations)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
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
    """The image's luma in its place, with probability p."""

    def __init__(self, p: float = 0.2, **kwargs):
        super().__init__(p, **kwargs)

    def augment_planes(self, planes: tf.Tensor, transformations: Samples) -> tf.Tensor:
        """Make the chosen images of [batch, 3, height, width] grey."""
        if not color.has_colours(planes):
            return planes
        return apply_where(
            planes,
            transformations,
            lambda chosen, _: tf.repeat(color.grey(chosen), 3, axis=1),
        )


@serializable
class GaussianBlur(RandomlyApplied):
    """A Gaussian blur with probability p; borders are reflected.

    Args:
        p: probability.
        sigma: range of the standard deviation in pixels, drawn uniformly; at most 2.
    """

    def __init__(
        self, p: float = 0.5, sigma: tuple[float, float] = (0.1, 2.0), **kwargs
    ):
        super().__init__(p, **kwargs)
        if not 0 < sigma[0] <= sigma[1] <= blur.LARGEST_SIGMA:
            raise UsageError(
                f"sigma must be 0 < low <= high <= {blur.LARGEST_SIGMA}: the kernel's "
                f"radius is {blur.RADIUS} pixels. Received: {sigma}"
            )
        self.sigma = tuple(sigma)

    def get_random_transformation_batch(
        self, batch_size: Any, images: tf.Tensor, seed: tf.Tensor
    ) -> Samples:
        """Sample which images to blur, and sigma for each."""
        draws = tf.random.stateless_uniform([2, batch_size], seed)
        low, high = self.sigma
        return {"drawn": draws[0] < self.p, "sigma": low + (high - low) * draws[1]}

    def augment_planes(self, planes: tf.Tensor, transformations: Samples) -> tf.Tensor:
        """Blur the chosen images of [batch, 3, height, width]."""
        blur.check_sides(planes.shape[2:])
        sigma = transformations["sigma"]
        return apply_where(
            planes,
            transformations["drawn"],
            lambda chosen, places: blur.blur(chosen, tf.gather_nd(sigma, places)),
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "sigma": self.sigma}


@serializable
class RandomSolarize(RandomlyApplied):
    """An inversion of values at or above the threshold (0..255), with probability p."""

    def __init__(self, p: float, threshold: float = 128, **kwargs):
        super().__init__(p, **kwargs)
        self.threshold = threshold

    def augment_planes(self, planes: tf.Tensor, transformations: Samples) -> tf.Tensor:
        """Solarize the chosen images of [batch, 3, height, width]."""
        return apply_where(
            planes,
            transformations,
            lambda chosen, _: color.solarize(chosen, self.threshold),
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "threshold": self.threshold}
