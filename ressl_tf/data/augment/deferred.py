"""Views in two halves: crops in the input pipeline, colours in the step, on its device.

In between, a batch is a dict: view name -> crops [batch, size, size, 3], as
`Views.geometric` makes them, and "seed" -> int32 [batch, 2]: the views' seed in every
row, so that each part of a batch has it.
"""

from collections.abc import Mapping

import tensorflow as tf

from ressl_tf.data.augment.views import Views

SEED = "seed"


class CropsOnly:
    """In the place of `views` in a pipeline: leaves the second half to `finish`."""

    def __init__(self, views: Views):
        self.crops = views.crops()
        if self.crops.compiled is None:  # pipelines run on the CPU, whatever there is
            self.crops.compiled = True

    def __call__(self, images, seed, part=None) -> dict[str, tf.Tensor]:
        return self.finish(self.crops(images, seed, part=part), seed)

    def draw(self, batch, seed, part=None) -> dict:
        """As that of `Views`."""
        return self.crops.draw(batch, seed, part)

    def look(self, photo, drawn) -> dict[str, tf.Tensor]:
        """The photo's crops."""
        return self.crops.look(photo, drawn)

    def finish(self, looks, seed, part=None) -> dict[str, tf.Tensor]:
        """The crops as they are, and the seed that is to finish them."""
        batch = tf.shape(next(iter(looks.values())))[0]
        return {**looks, SEED: tf.tile(seed[None], [batch, 1])}


def finish(
    views: Views, batch: Mapping[str, tf.Tensor], part=None
) -> dict[str, tf.Tensor]:
    """The views that `views` would have made in one go, staged ones too.

    Args:
        views: those of the `CropsOnly` that made the batch.
        batch: whole, or one of equal parts.
        part: (index, count), which of so many it is; None for the whole.
    """
    crops = {name: crop for name, crop in batch.items() if name != SEED}
    size = batch[SEED].shape[0]
    return {
        name: tf.ensure_shape(view, [size, *view.shape[1:]])
        for name, view in views.photometric(crops, batch[SEED][0], part=part).items()
    }
