"""A fingerprint stays when a set moves, and changes with names and sizes."""

import shutil

import pytest

from ressl_tf.data import fingerprint
from ressl_tf.data.load import load_source


def of_folder(path):
    return fingerprint.of_source(load_source(f"folder:{path}", "train", cache="none"))


@pytest.fixture
def moved(photos, tmp_path):
    return shutil.copytree(photos, tmp_path / "elsewhere")


def test_a_set_that_moved_is_the_same(photos, moved):
    found = of_folder(moved)
    files = list((photos / "train").rglob("*.png"))
    assert found == of_folder(photos)
    assert (found["images"], found["files"]) == (26, 26)
    assert found["bytes"] == sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("change", ["name", "size", "class", "number"])
def test_a_change_is_seen(photos, moved, change):
    image = moved / "train" / "red" / "3.png"
    if change == "name":
        image.rename(image.with_name("33.png"))
    elif change == "size":
        image.write_bytes(image.read_bytes() + b"\0")
    elif change == "class":
        image.parent.rename(image.parents[1] / "green")
    else:
        image.unlink()
    assert of_folder(moved)["sha256"] != of_folder(photos)["sha256"]


def test_images_in_memory_are_those_on_the_disk(photos):
    held = load_source(f"folder:{photos}", "train", cache="memory")
    assert fingerprint.of_source(held) == of_folder(photos)


def test_a_file_of_many_records_counts_once():
    found = fingerprint.of_source(load_source("shapes", "train[:30]"))
    assert (found["images"], found["files"]) == (30, 1)
    other = fingerprint.of_source(load_source("shapes", "train[30:60]"))
    assert other["sha256"] != found["sha256"]
