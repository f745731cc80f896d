import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.into_memory import into_memory
from ressl_tf.data.load import load_source
from ressl_tf.data.sources import MemorySource


def test_chosen_images_are_held_in_their_order(photos):
    source = load_source(f"folder:{photos}", "train", cache="none").take([20, 3, 7])
    held = into_memory(source)
    assert isinstance(held, MemorySource)
    for row in range(3):
        image, label = source.example(tf.constant(row, tf.int64))
        np.testing.assert_array_equal(held.images[row], image)
        assert held.labels[row] == label
        assert held.example_name(row) == source.example_name(row)
    assert held.label_names == source.label_names
    assert into_memory(held) is held


@pytest.mark.slow
def test_what_cannot_be_held_stays_as_it_is(photos, tmp_path):
    source = load_source(f"folder:{photos}", "train", cache="none")
    assert into_memory(source, limit=100) is source
    for name, side in (("a", 16), ("b", 16), ("c", 16), ("d", 20), ("e", 16)):
        image = tf.zeros((side, 16, 3), tf.uint8)
        (tmp_path / f"{name}.png").write_bytes(tf.io.encode_png(image).numpy())
    varied = load_source(f"folder:{tmp_path}", "train", cache="none")
    assert into_memory(varied) is varied  # "d" is not among those probed
    (tmp_path / "d.png").write_bytes(b"no image")
    assert into_memory(varied) is varied
