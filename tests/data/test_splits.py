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
    assert len(caplog.records) == 1  # said once


def test_a_lone_split_with_classes_is_a_split(tmp_path, caplog):
    place(tmp_path, "train/a/x.png", "train/b/x.png", "spare/x.png")
    os.makedirs(tmp_path / "annotations")
    source = load_source(f"folder:{tmp_path}", "train")
    assert source.label_names == ("a", "b")
    assert "no splits, and their images are not read: spare" in caplog.text
    os.rename(tmp_path / "train", tmp_path / "Testing")
    with pytest.raises(UsageError, match=r"has the splits .*Testing.*'train'"):
        load_source(f"folder:{tmp_path}", "train")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("seg_train", "seg_test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("birdsTrain", "birdsTest"),
        ("trn", "tst"),
        ("01_train", "02_test"),
        ("train/training", "test/test"),
    ],
)
def test_splits_within_longer_names_and_of_archives(tmp_path, train, test):
    for name in ("cat", "dog"):
        place(tmp_path, f"{train}/{name}/x.png", f"{train}/{name}/y.png")
    place(tmp_path, f"{test}/dog/x.png", f"{test}/eel/x.png")
    for split, labels in (("train", [0, 0, 1, 1]), ("test", [1, 2])):
        source = load_source(f"folder:{tmp_path}", split)
        assert source.label_names == ("cat", "dog", "eel")
        assert source.labels.tolist() == labels


def test_classes_that_hold_the_word_of_a_split_stay_classes(tmp_path):
    place(tmp_path, "test_tube/x.png", "train_station/x.png", "bullet_train/x.png")
    place(tmp_path, "dev_board/x.png", "test_board/x.png")
    assert len(load_source(f"folder:{tmp_path}", "train").label_names) == 5
    place(tmp_path / "one", "train/test/x.png", "train/train/x.png")
    source = load_source(f"folder:{tmp_path}/one", "train")
    assert source.label_names == ("test", "train")


def test_splits_of_several_sets_are_refused(tmp_path):
    for name in ("a_train", "a_test", "b_train", "b_test"):
        place(tmp_path / "one", f"{name}/cat/x.png", f"{name}/dog/x.png")
    with pytest.raises(UsageError, match=r"splits of several sets \(a, b\)"):
        load_source(f"folder:{tmp_path}/one", "train")
    for name in ("stl", "cifar"):
        place(tmp_path / "two", f"{name}/train/cat/x.png", f"{name}/test/cat/x.png")
    with pytest.raises(UsageError, match=r"several sets .*cifar, stl.*two/cifar$"):
        load_source(f"folder:{tmp_path}/two", "train")


def test_splits_below_the_classes(tmp_path):
    place(tmp_path, "cat/train/x.png", "cat/train/y.png", "cat/test/z.png")
    place(tmp_path, "dog/Training/x.png", "dog/Testing/old/z.png", "dog/val/u.png")
    for split, labels, names in (
        ("train", [0, 0, 1], ["x", "y", "x"]),
        ("test", [0, 1], ["z", "z"]),
        ("validation", [1], ["u"]),
    ):
        source = load_source(f"folder:{tmp_path}", split)
        assert (source.label_names, source.labels.tolist()) == (("cat", "dog"), labels)
        stems = [os.path.basename(source.example_name(i))[0] for i in range(len(names))]
        assert stems == names
    place(tmp_path, "eel/x.png")  # has no splits: as before, all are read
    assert load_source(f"folder:{tmp_path}", "train").size == 7


def test_no_labels_of_splits_below_the_classes(tmp_path):
    place(tmp_path, "cat/train/x.png", "cat/test/x.png", "dog/train/x.png")
    place(tmp_path, "dog/test/x.png")
    source = load_source(f"folder:{tmp_path}", "train", labels="none")
    assert (source.label_names, source.labels.tolist()) == (None, [-1, -1])
    with pytest.raises(UsageError, match=r"has the splits test, train.*'val'"):
        load_source(f"folder:{tmp_path}", "val")


@pytest.mark.parametrize("holder", ["images", "Data/CLS-LOC", "dataset"])
def test_splits_below_one_folder_that_holds_all_images(tmp_path, holder, caplog):
    for name in ("cat", "dog"):
        place(tmp_path, f"{holder}/train/{name}/x.png", f"{holder}/test/{name}/x.png")
    for beside in ("labels/train", "Annotations", "ImageSets"):
        os.makedirs(tmp_path / beside)
        (tmp_path / beside / "x.txt").write_text("0 1 1")
    with caplog.at_level("INFO", "ressl_tf"):
        source = load_source(f"folder:{tmp_path}", "train")
    assert f"{tmp_path}: its splits are in {tmp_path}/{holder}" in caplog.text
    assert (source.size, source.label_names) == (2, ("cat", "dog"))
    assert load_source(f"folder:{tmp_path}", "test").labels.tolist() == [0, 1]


def test_flat_splits_below_one_folder(tmp_path):
    place(tmp_path, "images/train/x.png", "images/train/y.png", "images/val/z.png")
    os.makedirs(tmp_path / "labels/train")
    os.makedirs(tmp_path / "labels/val")
    (tmp_path / "labels/train/x.txt").write_text("0 1 1")
    source = load_source(f"folder:{tmp_path}", "train")
    assert (source.size, source.label_names) == (2, None)
    assert load_source(f"folder:{tmp_path}", "validation").size == 1
