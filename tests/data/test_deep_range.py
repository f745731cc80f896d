"""16-bit PNGs of which a part of the range is used."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.photos import flat, write

from ressl_tf.data.load import load_source
from ressl_tf.runtime.errors import UsageError


def deep(top):
    ramp = np.linspace(0, top, 64).reshape(8, 8, 1).astype(np.uint16)
    return tf.io.encode_png(ramp).numpy()


@pytest.mark.parametrize("cache", ["auto", "none"])
def test_twelve_bits_in_sixteen_are_refused(tmp_path, cache):
    """Among other images, too."""
    for number in range(300):
        write(tmp_path / f"{number:03}.png", flat(7))
    write(tmp_path / "100.png", deep(4095))
    with pytest.raises(UsageError, match=r"to 4095 of 65535.*12 bits.*range=0,4095 or"):
        load_source(f"folder:{tmp_path}", "train", cache=cache)


def test_the_full_range_is_taken(tmp_path):
    for number, top in enumerate((65535, 300)):  # a dark one among others
        write(tmp_path / f"{number}.png", deep(top))
    source = load_source(f"folder:{tmp_path}", "train")
    assert source.images.numpy().max(axis=(1, 2, 3)).tolist() == [255, 1]


@pytest.mark.slow
def test_a_given_range_takes_dark_sets(tmp_path):
    write(tmp_path / "a.png", deep(4095))
    tops = {"dtype": 16, "0,4095": 255, "percentiles": 255}
    for value_range, top in tops.items():
        source = load_source(f"folder:{tmp_path}", "train", value_range=value_range)
        assert source.images.numpy().max() == top


def test_arrays_and_tiffs_too(tmp_path, caplog):
    np.save(tmp_path / "a.npy", np.full((8, 8, 5), 1023, np.uint16))
    with pytest.raises(UsageError, match="10 bits in 16"):
        load_source(f"folder:{tmp_path}", "train")
    assert "images of 5 bands" in caplog.text
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "b.tif", np.full((8, 8), 4000, np.uint16))
    with pytest.raises(UsageError, match="12 bits in 16"):
        load_source(f"folder:{tmp_path}", "train")
