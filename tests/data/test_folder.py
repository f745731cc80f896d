"""Folders of photos: classes, splits, links, and what is left out."""

import os

import pytest
import tensorflow as tf
from helpers.photos import flat, values, write

from ressl_tf.data.load import load_source
from ressl_tf.data.sources import MemorySource
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def photos(tmp_path):
    """Write three photos of two classes, nested, all 8 x 8."""
    write(tmp_path / "dog" / "b.png", flat(20))
    write(tmp_path / "cat" / "2020" / "a.PNG", flat(10))
    write(tmp_path / "dog" / "a.JPeG", flat(30), tf.io.encode_jpeg)
    return tmp_path


def test_class_folders_are_sorted_and_labelled(photos):
    source = load_source(f"folder:{photos}", "train")
    assert isinstance(source, MemorySource)
    assert (source.name, source.size) == (f"folder:{photos}", 3)
    assert (source.image_shape, source.skipped) == ((8, 8, 3), ())
    assert source.label_names == ("cat", "dog")
    assert source.labels.tolist() == [0, 1, 1]
    assert values(source) == [10, 30, 20]  # cat/2020/a, dog/a, dog/b


def test_a_heap_has_no_labels(photos):
    write(photos / "loose.png", flat(40))
    source = load_source(f"folder:{photos}", "train")
    assert (source.label_names, source.labels.tolist()) == (None, [-1] * 4)
    assert values(source) == [10, 30, 20, 40]


def test_splits_are_sub_folders_with_one_numbering(tmp_path):
    for place in ("train/a/x", "train/b/x", "train/c/x", "val/c/x", "val/.d/x"):
        write(tmp_path / f"{place}.png", flat(9))
    source = load_source(f"folder:{tmp_path}", "validation")
    assert source.label_names == ("a", "b", "c")
    assert source.labels.tolist() == [2]
    assert load_source(f"folder:{tmp_path}", "val").size == 1
    assert load_source(f"folder:{tmp_path}", "train").labels.tolist() == [0, 1, 2]
    with pytest.raises(UsageError, match=r"has the splits train, val.*'test'"):
        load_source(f"folder:{tmp_path}", "test")


def test_hidden_files_and_links_in_circles_are_left_out(photos):
    write(photos / "dog" / "._b.png", b"resource fork")
    write(photos / ".thumbnails" / "b.png", flat(99))
    os.symlink(photos, photos / "dog" / "up")
    write(photos.parent / "elsewhere" / "z.png", flat(60))
    os.symlink(photos.parent / "elsewhere", photos / "dog" / "friends")
    assert values(load_source(f"folder:{photos}", "train")) == [10, 30, 20, 60]


def test_links_that_lead_nowhere_are_images_that_cannot_be_read(photos, caplog):
    os.symlink(photos / "nowhere", photos / "dog" / "lost.png")
    os.symlink("circle.jpg", photos / "dog" / "circle.jpg")
    os.symlink("circle", photos / "dog" / "circle")  # no image by its name
    source = load_source(f"folder:{photos}", "train", on_bad_image="skip")
    links = ("circle.jpg", "lost.png")
    assert source.skipped == tuple(str(photos / "dog" / name) for name in links)
    assert source.size == 3
    with pytest.raises(RunError, match=r"circle\.jpg.*\(2 of 5 images\)"):
        load_source(f"folder:{photos}", "train")


def test_what_is_left_out_is_reported(photos, caplog):
    write(photos / "dog" / "notes.txt", b"x")
    write(photos / "cat" / "raw.NEF", b"x")
    os.symlink(photos, photos / "dog" / "up")
    with caplog.at_level("INFO", "ressl_tf"):
        load_source(f"folder:{photos}", "train")
    assert f"1 x .txt, 1 x .nef ({photos}/cat/raw.NEF)" in caplog.text
    assert f"{photos}/dog/up leads back to a folder above it" in caplog.text


def test_folders_without_images_and_litter_are_no_classes(tmp_path):
    for place in ("train/a/x", "train/b/x", "test/a/x", "test/b/x", "train/@eaDir/b"):
        write(tmp_path / f"{place}.png", flat(9))
    for empty in ("train/__MACOSX", "train/empty", "test/lost+found", "test/c/d"):
        os.makedirs(tmp_path / empty)
    for split, size in (("train", 2), ("test", 2)):
        source = load_source(f"folder:{tmp_path}", split)
        assert (source.label_names, source.size) == (("a", "b"), size)


def test_images_folders_of_tiny_imagenet_are_no_classes(tmp_path, caplog):
    for name in ("cat", "dog"):
        write(tmp_path / "train" / name / "images" / "x.JPEG", flat(9))
    for number in range(3):
        write(tmp_path / "val" / "images" / f"val_{number}.JPEG", flat(number))
    train = load_source(f"folder:{tmp_path}", "train")
    assert (train.label_names, train.labels.tolist()) == (("cat", "dog"), [0, 1])
    test = load_source(f"folder:{tmp_path}", "validation")
    assert (test.label_names, test.labels.tolist()) == (None, [-1] * 3)
    assert f"{tmp_path}/val: no labels: its only sub-folder images" in caplog.text
    rows = "val_1.JPEG\tdog\t0\t0\t9\t9\nval_0.JPEG\tcat\t0\t0\t9\t9\n"
    (tmp_path / "val" / "val_annotations.txt").write_text(rows)
    test = load_source(f"folder:{tmp_path}", "validation")
    assert (test.label_names, test.labels.tolist()) == (("cat", "dog"), [0, 1, -1])


def test_labels_as_the_flag_says(photos, caplog):
    """Albums are no classes with none; folders are, beside loose images."""
    dataset = f"folder:{photos}"
    with caplog.at_level("INFO", "ressl_tf"):
        load_source(dataset, "train")
        assert f"{photos}: 2 classes, from the sub-folders of it" in caplog.text
        none = load_source(dataset, "train", labels="none")
        assert (none.label_names, none.labels.tolist()) == (None, [-1] * 3)
        write(photos / "loose.png", flat(40))
        load_source(dataset, "train")
        assert "no labels, a flat folder (loose.png; beside it folders" in caplog.text
        some = load_source(dataset, "train", labels="folders")
        assert (some.label_names, some.labels.tolist()) == (
            ("cat", "dog"),
            [0, 1, 1, -1],
        )
        assert "1 images lie beside them: no label" in caplog.text
    with pytest.raises(UsageError, match=r"no sub-folder.*Received: labels=folders"):
        load_source(f"folder:{photos / 'dog'}", "train", labels="folders")
    with pytest.raises(UsageError, match=r"auto, folders, none. Received: 'x'"):
        load_source(dataset, "train", labels="x")


def test_names_in_an_old_encoding(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    with open(path, "wb") as file:
        file.write(tf.io.encode_png(flat(70)).numpy())
    assert values(load_source(f"folder:{tmp_path}", "train")) == [70]


def test_a_folder_that_may_not_be_read(photos, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match=r"Cannot list '.*': Permission denied"):
        load_source(f"folder:{photos}", "train")


def test_a_sub_folder_that_may_not_be_read_is_an_error_or_skipped(photos, monkeypatch):
    """Simulated: whoever runs the tests as root may read everything."""
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("2020"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    write(photos / "cat" / "b.png", flat(5))
    with pytest.raises(UsageError, match=r"Cannot list '.*2020': Permission denied"):
        load_source(f"folder:{photos}", "train")
    source = load_source(f"folder:{photos}", "train", on_bad_image="skip")
    assert source.skipped == (str(photos / "cat" / "2020"),)
    assert values(source) == [5, 30, 20]


def test_what_is_wrong_with_a_folder_is_said_in_one_line(tmp_path):
    cases = [("nowhere", "train", "No such folder. Received: --dataset=folder:")]
    os.makedirs(tmp_path / "empty")
    cases.append(("empty", "train", r"No image in.*\(other files: none\)"))
    write(tmp_path / "phone" / "a.NEF", b"x")
    cases.append(("phone", "train", "1 x .nef"))
    write(tmp_path / "one" / "holiday" / "a.png", flat(1))
    cases.append(("one", "train", "single class, 'holiday'.*folder:.*one/holiday"))
    cases.append(("one", "test", "only split is 'train'.*Received: 'test'"))
    for folder, split, message in cases:
        with pytest.raises(UsageError, match=message) as error:
            load_source(f"folder:{tmp_path / folder}", split)
        assert "\n" not in str(error.value)
