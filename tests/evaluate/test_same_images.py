"""Test images that are training images, too, are said."""

import os

import pytest
from helpers.photos import flat, write

from ressl_tf.data.load import load_source
from ressl_tf.evaluate.same_images import warn_of_same_files


def opened(root, split, cache):
    where = {"cache": cache, "cache_dir": str(root / "cache")}
    return load_source(f"folder:{root}", split, **where)


@pytest.mark.slow
def test_links_to_the_same_files_are_noticed(tmp_path, caplog):
    for name in ("a", "b"):
        write(tmp_path / f"photos/{name}/x.png", flat(1))
        write(tmp_path / f"photos/{name}/y.png", flat(2))
    os.makedirs(tmp_path / "set")
    os.symlink(tmp_path / "photos", tmp_path / "set/train")
    os.symlink(tmp_path / "photos", tmp_path / "set/test")
    for cache in ("memory", "none", "disk"):
        caplog.clear()
        train, test = (opened(tmp_path / "set", s, cache) for s in ("train", "test"))
        warn_of_same_files(train, test)
        assert "4 of 4 test images are training images" in caplog.text
        assert f"{tmp_path}/photos/a/x.png" in caplog.text


def test_a_link_among_other_files_is_noticed_and_copies_are_not(tmp_path, caplog):
    for split in ("train", "test"):
        for name in ("a", "b"):
            write(tmp_path / f"{split}/{name}/x.png", flat(1))
    train, test = (opened(tmp_path, s, "none") for s in ("train", "test"))
    warn_of_same_files(train, test)
    assert caplog.text == ""
    os.symlink(tmp_path / "train/a/x.png", tmp_path / "test/a/z.png")
    warn_of_same_files(train, opened(tmp_path, "test", "none"))
    assert "1 of 3 test images are training images" in caplog.text


@pytest.mark.slow
def test_arrays_and_tfds_sets_have_no_files(caplog):
    train, test = (load_source("shapes", s) for s in ("train[:20]", "test[:10]"))
    warn_of_same_files(train, test)
    assert caplog.text == ""
