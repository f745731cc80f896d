"""Base classes of the seeded layers, and the two layouts of a batch of images."""

import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import keras_cv
import tensorflow as tf

from ressl_tf.data.augment.masked import coin
from ressl_tf.runtime.errors import UsageError

FACTORS = (  # what keras-cv's layers draw their strengths with
    keras_cv.core.UniformFactorSampler,
    keras_cv.core.NormalFactorSampler,
)
SPATIAL_LABELS = ("bounding_boxes", "keypoints", "segmentation_masks")

Samples: TypeAlias = Any  # tensors [batch, ...], nested as a layer likes
Shard: TypeAlias = tuple[int, int] | tf.Tensor  # index, count; int32 [2] if a tensor


class SeededAugmentation(keras_cv.layers.VectorizedBaseImageAugmentationLayer):
    """Base: gives the seed to the sampling; float32 under every mixed-precision policy.

    A colour layer defines `augment_planes` on [batch, 3, height, width], a geometric
    one overrides `augment_images`; both define `get_random_transformation_batch`.
    """

    def __init__(self, **kwargs):
        # The parent makes a stateful generator, which only its own layers use.
        super().__init__(seed=1, **{**kwargs, "dtype": "float32"})
        self._random_generator = None

    def sample(
        self, images: tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
    ) -> Samples:
        """Sample the random transformations of a batch.

        They depend on the number of images alone, not on what is in them.

        Args:
            images: the batch.
            seed: int32 [2].
            shard: (index, count) where `images` are one of `count` equal shards of a
                batch: they get the transformations that they have in the whole batch.
        """
        seed = tf.random.experimental.stateless_fold_in(
            tf.reshape(seed, [2]), zlib.crc32(type(self).__name__.encode()) >> 1
        )
        batch = tf.shape(images)[0]
        index, count = (0, 1) if shard is None else (shard[0], shard[1])
        samples = self.get_random_transformation_batch(
            batch * count, images=images, seed=seed
        )
        return samples if shard is None else self.take(samples, index * batch, batch)

    def take(self, transformations: Samples, start: Any, count: Any) -> Samples:
        """Take those of the images `start` to before `start + count` of a batch."""
        return tf.nest.map_structure(
            lambda samples: samples[start : start + count], transformations
        )

    def per_image(self, transformations: Samples) -> Samples:
        """Return samples of a batch as rows, each of which is one image's."""
        return transformations

    def augment_images(
        self, images: tf.Tensor, transformations: Samples, **kwargs: Any
    ) -> tf.Tensor:
        """Apply the layer to images [batch, height, width, 3]."""
        return to_images(self.augment_planes(to_planes(images), transformations))

    def augment_planes(self, planes: tf.Tensor, transformations: Samples) -> tf.Tensor:
        """Apply the layer to images [batch, 3, height, width]; a colour layer's."""
        raise NotImplementedError

    def _batch_augment(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Augment as the parent does, with the seed; refuse labels that would move."""
        if spatial := [key for key in SPATIAL_LABELS if key in inputs]:
            raise UsageError(
                f"{type(self).__name__} moves images, not {', '.join(SPATIAL_LABELS)}:"
                f" leave these out. Received: {', '.join(spatial)}"
            )
        images = inputs["images"]
        samples = self.sample(images, inputs["seed"], inputs.get("shard"))
        return {**inputs, "images": self.augment_images(images, samples)}


class RandomlyApplied(SeededAugmentation):
    """Base of the layers that change an image with probability p."""

    def __init__(self, p: float, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= p <= 1:
            raise UsageError(f"p must be within 0..1. Received: {p}")
        self.p = p

    def get_random_transformation_batch(
        self, batch_size: Any, images: tf.Tensor, seed: tf.Tensor
    ) -> Samples:
        """Sample which images to change, bool [batch]."""
        return coin(seed, batch_size, self.p)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "p": self.p}


def to_planes(images: tf.Tensor) -> tf.Tensor:
    """Transpose [batch, height, width, 3] to [batch, 3, height, width]."""
    return tf.transpose(images, [0, 3, 1, 2])


def to_images(planes: tf.Tensor) -> tf.Tensor:
    """Transpose [batch, 3, height, width] to [batch, height, width, 3]."""
    return tf.transpose(planes, [0, 2, 3, 1])
