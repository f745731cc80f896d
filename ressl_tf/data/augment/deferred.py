"""Views in two halves: crops in the input pipeline, colours in the step, on its device.

In between, a batch is a dict: view name -> crops [batch, size, size, 3], as from
`Views.geometric`, and "seed" -> int32 [batch, 2]. Every row of it is the views' seed,
so that each shard of a batch has it.
"""

from collections.abc import Mapping

import tensorflow as tf

from ressl_tf.data.augment.seeded import Samples, Shard
from ressl_tf.data.augment.views import Views

SEED = "seed"


class CropsOnly:
    """Takes the place of `views` in a pipeline and leaves the second half to the step.

    Args:
        views: those that `finalize` is to complete.
    """

    def __init__(self, views: Views):
        self.crops = views.crops()
        if self.crops.compiled is None:  # pipelines run on the CPU, whatever there is
            self.crops.compiled = True

    def __call__(
        self, images: tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
    ) -> dict[str, tf.Tensor]:
        """Crop a batch; arguments as in `Views`."""
        return self.finalize(self.crops(images, seed, shard=shard), seed)

    def sample(
        self, batch: int | tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
    ) -> dict[str, Samples]:
        """Sample as `Views.sample` does."""
        return self.crops.sample(batch, seed, shard)

    turns_photos = True  # `apply_to_photo` takes an orientation

    def apply_to_photo(
        self,
        photo: tf.Tensor,
        samples: dict[str, Samples],
        orientation: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Make the photo's crops."""
        return self.crops.apply_to_photo(photo, samples, orientation)

    def finalize(
        self,
        photo_views: Mapping[str, tf.Tensor],
        seed: tf.Tensor,
        shard: Shard | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the crops as they are, and the seed for the second half."""
        batch = tf.shape(next(iter(photo_views.values())))[0]
        return {**photo_views, SEED: tf.tile(seed[None], [batch, 1])}


def finalize(
    views: Views, batch: Mapping[str, tf.Tensor], shard: Shard | None = None
) -> dict[str, tf.Tensor]:
    """Complete the views: the result is that of `views` in one go, staged ones too.

    Args:
        views: those of the `CropsOnly` that made the batch.
        batch: whole, or one of its equal shards.
        shard: (index, count), which shard of how many it is; None for the whole.
    """
    crops = {name: crop for name, crop in batch.items() if name != SEED}
    size = batch[SEED].shape[0]
    return {
        name: tf.ensure_shape(view, [size, *view.shape[1:]])
        for name, view in views.photometric(crops, batch[SEED][0], shard=shard).items()
    }
