"""`folder:/a,/b`: several folders as one set."""

import numpy as np
import pytest
from helpers.photos import flat, values, write

from ressl_tf.data.joined import open_folders
from ressl_tf.data.load import load_source
from ressl_tf.runtime.errors import UsageError


@pytest.fixture
def two(tmp_path):
    """Write classes x and y in one folder, y and z in another."""
    for number, place in enumerate(("a/x/1", "a/y/2", "b/y/3", "b/z/4")):
        write(tmp_path / f"{place}.png", flat(10 + number))
    return tmp_path


def test_folders_follow_one_another_and_share_classes(two):
    source = load_source(f"folder:{two}/a,{two}/b", "train")
    assert values(source) == [10, 11, 12, 13]
    assert source.label_names == ("x", "y", "z")
    np.testing.assert_array_equal(source.all_labels(), [0, 1, 1, 2])


def test_each_path_may_begin_at_home(two, monkeypatch):
    monkeypatch.setenv("HOME", str(two))
    assert open_folders("~/a, ~/b", "train").size == 4


def test_a_folder_with_a_comma_in_its_name(two):
    (two / "a").rename(two / "a,b")
    assert open_folders(f"{two}/a,b", "train").size == 2


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("nowhere", "No such folder: '.*nowhere'"),
        ("a/", "named twice"),
        ("", "No such folder: '.*/'"),
    ],
)
def test_what_cannot_be_joined(second, message, two):
    second = f"{two}/{second}" if second else "/no/such/"
    with pytest.raises(UsageError, match=message):
        open_folders(f"{two}/a,{second}", "train")
    with pytest.raises(UsageError, match="dataset: TensorFlow has no file system s3"):
        open_folders(f"{two}/a,s3://bucket", "train")
