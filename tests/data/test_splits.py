"""Splits by the names of folders, in any letters and several words."""

import os

import pytest
from helpers.photos import flat, write

from ressl_tf.data.load import load_source
from ressl_tf.data.splits import split_folders, split_of
from ressl_tf.runtime.errors import UsageError


def place(root, *paths):
    for path in paths:
        write(root / path, flat(9))


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("Training", "Testing", "test"),
        ("TRAIN", "VAL", "validation"),
        ("train", "valid", "validation"),
        ("Train_Set", "test-images", "test"),
        ("train2017", "val2017", "validation"),
        ("training data", "Evaluation", "validation"),
        ("train", "dev", "validation"),
    ],
)
def test_splits_in_other_letters_or_words(tmp_path, train, other, split, caplog):
    for name in ("cat", "dog"):
        place(tmp_path, f"{train}/{name}/x.png", f"{other}/{name}/x.png")
        place(tmp_path, f"{train}/{name}/y.png")
    with caplog.at_level("INFO", "ressl_tf"):
        source = load_source(f"folder:{tmp_path}", "train")
    assert (source.size, source.label_names) == (4, ("cat", "dog"))
    assert train == "train" or f"the split train is the folder {train}" in caplog.text
    assert load_source(f"folder:{tmp_path}", split).labels.tolist() == [0, 1]


def test_names_of_classes_are_no_splits():
    for name in ("trains", "latest", "contest", "cat", "value", "", "unlabelled"):
        assert split_of(name) is None


def test_one_split_in_two_spellings_is_refused(tmp_path):
    place(tmp_path, "train/a/x.png", "Training/b/x.png", "test/a/x.png")
    with pytest.raises(UsageError, match="'train' more than once: Training, train;"):
        load_source(f"folder:{tmp_path}", "train")


def test_numbered_folders_are_classes(tmp_path):
    place(tmp_path, "test1/x.png", "test2/x.png", "control/x.png")
    assert split_folders(str(tmp_path)) == {}
    place(tmp_path, "train/x.png")
    source = load_source(f"folder:{tmp_path}", "train")
    assert source.label_names == ("control", "test1", "test2", "train")


def test_a_lone_name_of_a_split_among_classes_is_a_class(tmp_path, caplog):
    place(tmp_path, "test/x.png", "cat/x.png", "dog/x.png")
    source = load_source(f"folder:{tmp_path}", "train")
    assert source.label_names == ("cat", "dog", "test")
    assert f"{tmp_path}/test is taken for a class, not for a split" in caplog.text


def test_a_lone_split_with_classes_is_a_split(tmp_path, caplog):
    place(tmp_path, "train/a/x.png", "train/b/x.png", "spare/x.png")
    os.makedirs(tmp_path / "annotations")
    source = load_source(f"folder:{tmp_path}", "train")
    assert source.label_names == ("a", "b")
    assert "no splits, and their images are not read: spare" in caplog.text
    os.rename(tmp_path / "train", tmp_path / "Testing")
    with pytest.raises(UsageError, match=r"has the splits .*Testing.*'train'"):
        load_source(f"folder:{tmp_path}", "train")
