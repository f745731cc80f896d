import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.data.load import load_source
from ressl_tf.data.ordered_views import ordered_view_batches


class Plain:
    """Views that are the images, quick to trace."""

    def __call__(self, images, seed):
        return {"plain": tf.cast(images, tf.float32)}

    def sample(self, batch, seed):
        return tf.zeros(batch)

    def apply_to_photo(self, photo, samples):
        return {"plain": tf.ensure_shape(tf.cast(photo, tf.float32), (16, 16, 3))}

    def finalize(self, views, seed):
        return views


@pytest.mark.slow
def test_views_are_in_the_order_of_the_images(photos):
    for cache in ("memory", "none"):
        source = load_source(f"folder:{photos}", "test", cache=cache)
        batches = list(ordered_view_batches(source, Plain(), 8, seed=3))
        assert [len(batch["plain"]) for batch in batches] == [8, 8]
        found = np.concatenate([batch["plain"].numpy() for batch in batches])
        images = np.stack([source.example(row)[0] for row in range(10)])
        np.testing.assert_array_equal(found[:10], images)
        np.testing.assert_array_equal(found[10:], images[:6])  # the first come again


@pytest.mark.slow
def test_the_seed_fixes_the_views(photos):
    views = Views({"weak": weak_view(16)})
    source = load_source(f"folder:{photos}", "test")
    one, same, other = (
        next(iter(ordered_view_batches(source, views, 8, seed)))["weak"].numpy()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
