"""Classes of all splits together, and folders that only hold images."""

import pytest
from helpers.photos import flat, write

from ressl_tf.data.class_folders import names
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("own", "other", "classes"),
    [
        ("a b", "b c", ("a", "b", "c")),
        ("a b", "unknown", ("a", "b")),  # as Keras's test/unknown/
        ("a", "a b", ("a", "b")),
        ("new", "a b", ("a", "b", "new")),
        ("images", "images", None),
        ("data", "code data", ("code", "data")),
        ("a", "b", ("a", "b")),
    ],
)
def test_classes_of_two_splits(tmp_path, own, other, classes):
    for split, inside in (("train", own), ("test", other)):
        for name in inside.split():
            write(tmp_path / split / name / "x.png", flat(1))
    folders = [str(tmp_path / split) for split in ("train", "test")]
    assert names(folders[0], set(own.split()), folders) == classes


def test_a_flat_split_has_no_classes(tmp_path):
    for path in ("train/a/x.png", "train/b/x.png", "test/x.png", "test/c/x.png"):
        write(tmp_path / path, flat(1))
    folders = [str(tmp_path / split) for split in ("train", "test")]
    assert names(folders[0], {"a", "b"}, folders) == ("a", "b")


def test_a_single_class_is_refused():
    with pytest.raises(UsageError, match=r"single class, 'a'.*--labels=none"):
        names("/x", {"a"}, [])


def test_classes_that_are_likely_none_are_said(caplog):
    names("/x", {"images", "masks"}, [])
    assert "/x: the folder masks is taken for a class" in caplog.text
    caplog.clear()
    names("/x", {"Cat", "cat", "dog"}, [])
    assert "Cat and cat are classes of their own" in caplog.text
    caplog.clear()
    names("/x", {"cat", "dog"}, [])
    assert caplog.text == ""
