"""Formats by their bytes, in a pipeline, and with a library missing."""

import io
import logging

import numpy as np
import pytest
import tensorflow as tf
from helpers.photos import flat, write

from ressl_tf.data import library_formats, listing
from ressl_tf.data.load import load_source
from ressl_tf.runtime.errors import UsageError


def npy(image):
    file = io.BytesIO()
    np.save(file, image)
    return file.getvalue()


def test_content_decides_not_the_name(tmp_path):
    write(tmp_path / "a.jpg", npy(flat(11)))
    write(tmp_path / "b.bmp", flat(22), tf.io.encode_png)
    write(tmp_path / "c.png", b"text")
    source = load_source(f"folder:{tmp_path}", "train", on_bad_image="skip")
    assert source.images[:, 0, 0, 0].numpy().tolist() == [11, 22]
    assert source.skipped == (f"{tmp_path}/c.png",)


def test_arrays_are_images_where_there_are_no_others(tmp_path, caplog):
    for name in ("x/1.npy", "y/2.npy"):
        write(tmp_path / name, npy(flat(5)))
    streamed = load_source(f"folder:{tmp_path}", "train", cache="none")
    assert streamed.label_names == ("x", "y")
    assert streamed.shapes(np.arange(2)) == [(8, 8, 3)] * 2
    write(tmp_path / "x" / "photo.png", flat(6))
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        source = load_source(f"folder:{tmp_path}", "train", labels="none")
    assert source.size == 1
    assert "left out: 2 x .npy" in caplog.text


@pytest.fixture
def bare(monkeypatch):
    """Hide the libraries of the extra."""
    listing.image_extensions.cache_clear()
    monkeypatch.setattr(library_formats.importlib.util, "find_spec", lambda name: None)
    yield
    listing.image_extensions.cache_clear()


def test_a_missing_library_is_named(tmp_path, bare, caplog):
    write(tmp_path / "1.TIF", b"II*\0")
    write(tmp_path / "2.heic", b"x")
    with pytest.raises(UsageError, match=r"pip install .* reads \.heic, \.tif"):
        load_source(f"folder:{tmp_path}", "train")
    write(tmp_path / "3.png", flat(1))
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        assert load_source(f"folder:{tmp_path}", "train").size == 1
    assert "1 x .tif, 1 x .heic" in caplog.text
    write(tmp_path / "0.jpg", b"II*\0")
    with pytest.raises(Exception, match=r"a TIFF file; pip install"):
        load_source(f"folder:{tmp_path}", "train")
