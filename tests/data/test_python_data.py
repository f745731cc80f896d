"""Data of Python as a `--dataset`: paths, arrays, tf.data."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.load import load_source
from ressl_tf.data.python_data import as_dataset
from ressl_tf.runtime.errors import UsageError

IMAGES = np.arange(6 * 8 * 8 * 3, dtype=np.uint8).reshape(6, 8, 8, 3)
LABELS = np.array([0, 1, 2, 0, 1, -1])


def opened(data, folder="", **options):
    return load_source(as_dataset(data, folder), "train", **options)


def test_paths_are_folders_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert as_dataset("photos", "") == "folder:photos"
    assert as_dataset(pathlib.Path("photos"), "") == "folder:photos"
    assert as_dataset("./none", "") == "folder:./none"
    assert as_dataset("photos/", "") == "folder:photos/"
    for name in ("cifar10", "shapes", "name/config", "folder:/x", "graph:/x.npz"):
        assert as_dataset(name, "") == name
    assert as_dataset("cora.npz", "") == "graph:cora.npz"


@pytest.mark.parametrize(
    "data",
    [
        IMAGES,
        tf.constant(IMAGES),
        IMAGES.astype("float32"),
        tf.data.Dataset.from_tensor_slices(IMAGES),
        tf.data.Dataset.from_tensor_slices(IMAGES).batch(4),
    ],
    ids=["uint8", "tensor", "float", "dataset", "batches"],
)
def test_images_without_labels(data):
    source = opened(data)
    np.testing.assert_array_equal(source.images, IMAGES)
    assert source.label_names is None
    assert set(source.labels) == {-1}


@pytest.mark.parametrize(
    "data",
    [
        (IMAGES, LABELS),
        (IMAGES, LABELS[:, None]),
        tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)),
        tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(4),
        tf.data.Dataset.from_tensor_slices({"image": IMAGES, "label": LABELS}),
    ],
    ids=["pair", "column", "dataset", "batches", "dicts"],
)
def test_images_with_labels(data):
    source = opened(data)
    np.testing.assert_array_equal(source.images, IMAGES)
    np.testing.assert_array_equal(source.labels, LABELS)
    assert source.label_names == ("0", "1", "2")
    assert opened(data, labels="none").label_names is None


def test_the_name_is_that_of_the_content():
    assert as_dataset(IMAGES, "") == as_dataset(IMAGES.copy(), "")
    others = [IMAGES[::-1], (IMAGES, LABELS), IMAGES.reshape(6, 4, 16, 3)]
    assert len({as_dataset(data, "") for data in [IMAGES, *others]}) == 4


def test_grey_images_get_three_channels():
    grey = IMAGES[..., :1]
    np.testing.assert_array_equal(opened(grey).images, np.repeat(grey, 3, -1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (IMAGES / 255, "raw ones on 0..255.*float64, 0 to"),
        (IMAGES[0], r"n, height, width, channels.*\[8, 8, 3\]"),
        ((IMAGES, LABELS[:3]), "6 whole numbers"),
        ((IMAGES, LABELS / 2), "whole numbers from 0.*float64"),
        ([IMAGES, LABELS], "data is a path.*Received: list"),
        (7, "Received: int"),
        (tf.data.Dataset.from_tensor_slices(IMAGES).repeat(), "without an end"),
        (tf.data.Dataset.from_tensor_slices(IMAGES).take(0), "without an element"),
    ],
)
def test_what_is_no_set_of_images_is_refused(data, message):
    with pytest.raises(UsageError, match=message):
        as_dataset(data, "")


def test_sizes_that_differ_are_refused():
    ragged = tf.data.Dataset.from_generator(
        lambda: (np.zeros((s, 8, 3), np.uint8) for s in (8, 9)),
        output_signature=tf.TensorSpec((None, 8, 3), tf.uint8),
    )
    with pytest.raises(UsageError, match="two sizes; write"):
        as_dataset(ragged, "")


def test_an_array_of_another_process_is_not_there():
    with pytest.raises(UsageError, match="another Python process"):
        load_source("array:0123456789ab", "train")
    with pytest.raises(UsageError, match="only the split train"):
        load_source(as_dataset(IMAGES, ""), "test")


def test_holes_are_refused_and_a_smaller_scale_is_said(tmp_path, caplog):
    images = np.full([2, 4, 4, 3], 100.0)
    name = as_dataset(images, tmp_path)
    assert "values up to 100: raw ones reach 255" in caplog.text
    assert int(load_source(name, "train").images[0, 0, 0, 0]) == 100
    images[1, 2, 3, 0] = np.nan
    with pytest.raises(UsageError, match=r"not finite: .*Received: float64, nan"):
        as_dataset(images, tmp_path)
