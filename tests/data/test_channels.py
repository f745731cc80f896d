"""From one number of channels to another, against Pillow."""

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from helpers.numpy_views import photos
from helpers.photos import write
from PIL import Image

from ressl_tf.data.channels import to_grey
from ressl_tf.data.load import load_source
from ressl_tf.data.python_data import as_dataset
from ressl_tf.runtime.errors import UsageError

RGB = photos(3, height=9, width=11)
GREY = np.stack([np.asarray(Image.fromarray(x).convert("L")) for x in RGB])[..., None]


def test_grey_is_that_of_pillow():
    np.testing.assert_array_equal(to_grey(RGB), GREY)
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(to_grey(np.repeat(every, 3, -1)), every)


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["memory", "none", "disk"])
def test_files_are_read_as_grey(tmp_path, cache):
    for number, image in enumerate(RGB):
        write(tmp_path / f"photos/{number}.png", image)
    write(tmp_path / "photos/3.png", GREY[0])
    options = {"cache": cache, "cache_dir": str(tmp_path / "cache")}
    for channels, wanted in ((1, [*GREY, GREY[0]]), (3, [*RGB, GREY[0].repeat(3, -1)])):
        source = load_source(
            f"folder:{tmp_path}/photos", "train", channels=channels, **options
        )
        made = [source.example(tf.constant(row))[0] for row in range(source.size)]
        np.testing.assert_array_equal(np.stack(made), np.stack(wanted))


def test_arrays_become_what_files_would(tmp_path):
    for data, channels, wanted in (
        (RGB, 1, GREY),
        (GREY, 3, GREY.repeat(3, -1)),
        (GREY, 1, GREY),
        (RGB[..., [0, 1, 2, 0]], 4, RGB[..., [0, 1, 2, 0]]),
    ):
        source = load_source(as_dataset(data, ""), "train", channels=channels)
        np.testing.assert_array_equal(source.images, wanted)


def test_other_channels_than_there_are_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"have 3 channels: give channels=3.*=4"):
        load_source(as_dataset(RGB, ""), "train", channels=4)
    write(tmp_path / "x.png", RGB[0])
    with pytest.raises(UsageError, match=r"x\.png: 3 channels, not channels=4"):
        load_source(f"folder:{tmp_path}", "train", channels=4)


@pytest.mark.parametrize("cache", ["memory", "none", "disk"])
def test_files_keep_all_their_channels(tmp_path, cache):
    images = photos(3, height=9, width=11)[..., [0, 1, 2, 1]]
    Image.fromarray(images[0], "RGBA").save(tmp_path / "0.png")
    tifffile.imwrite(tmp_path / "1.tif", images[1], photometric="rgb")
    pages = images[2].transpose(2, 0, 1).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "2.tif", pages, photometric="minisblack")
    where = f"folder:{tmp_path}"
    options = {"cache": cache, "cache_dir": str(tmp_path / "cache")}
    source = load_source(where, "train", channels=4, **options)
    made = [source.example(tf.constant(row))[0] for row in range(3)]
    np.testing.assert_array_equal(np.stack(made), images)


def test_arrays_in_files_keep_all_their_channels(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 7), np.uint8)
    for number, image in enumerate(images):
        np.save(tmp_path / f"{number}.npy", image)
    source = load_source(f"folder:{tmp_path}", "train", channels=7)
    np.testing.assert_array_equal(source.images, images)
