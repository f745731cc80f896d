"""Sets of images behind an address are read as those of this machine are."""

import os
import uuid

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.joined import open_folders
from ressl_tf.data.load import load_source
from ressl_tf.data.python_data import as_dataset
from ressl_tf.runtime.errors import UsageError


@pytest.fixture
def uploaded(folder):
    """Return the address of a copy of `folder`, with lists and shards beside it."""
    names = [f"{'ab'[n // 15]}/{n:02}.png" for n in range(30)]
    (folder / "list.csv").write_text(
        "path,label\n" + "".join(f"{n},{n[0]}\n" for n in names)
    )
    with tf.io.TFRecordWriter(str(folder / "train-0.tfrecord")) as file:
        for name in names:
            image = tf.train.BytesList(value=[(folder / name).read_bytes()])
            features = tf.train.Features(
                feature={"image": tf.train.Feature(bytes_list=image)}
            )
            file.write(tf.train.Example(features=features).SerializeToString())
    os.system(f"cd {folder} && tar cf train-0.tar a b")
    address = f"ram://{uuid.uuid4().hex}/set"
    for path in folder.rglob("*.*"):
        target = f"{address}/{path.relative_to(folder)}"
        tf.io.gfile.makedirs(os.path.dirname(target))
        tf.io.gfile.copy(str(path), target)
    return address


def contents(source):
    images = [source.example(row)[0].numpy() for row in range(source.size)]
    return images, source.all_labels(), source.label_names


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("folder", ""),
        ("list", "/list.csv"),
        ("webdataset", "/train-{0..0}.tar"),
        ("webdataset", ""),
        ("tfrecord", "/train-*.tfrecord"),
    ],
)
def test_images_and_labels_are_the_same(folder, uploaded, kind, path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    ours, labels, names = contents(load_source(f"{kind}:{folder}{path}", "train"))
    theirs = contents(load_source(f"{kind}:{uploaded}{path}", "train"))
    assert len(ours) == 30
    for one, other in zip(ours, theirs[0], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(labels, theirs[1])
    assert names == theirs[2]


def test_examples_are_named_by_their_address(uploaded):
    source = load_source(f"folder:{uploaded}", "train")
    assert source.example_name(29) == f"{uploaded}/b/29.png"


def test_python_takes_an_address_for_a_folder(uploaded):
    assert as_dataset(uploaded, "") == f"folder:{uploaded}"
    joined = open_folders(f"{uploaded}/a,{uploaded}/b", "train")
    assert joined.size == 30
    with pytest.raises(UsageError, match="a folder is named twice"):
        open_folders(f"{uploaded}/a,{uploaded}/a/", "train")


def test_a_file_that_has_changed_has_another_state(uploaded):
    source = load_source(f"folder:{uploaded}", "train", cache="none")
    before = list(source.encoded.state())
    assert before[0][:2] == (f"{uploaded}/a/00.png", before[0][1])
    assert before[0][1] > 50
    tf.io.gfile.copy(f"{uploaded}/a/01.png", f"{uploaded}/a/00.png", overwrite=True)
    after = list(source.encoded.state())
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_splits_of_an_address_are_its_folders(uploaded):
    inside = f"{uploaded}/inside"
    for split, name in (("train", "a/00"), ("train", "b/20"), ("val", "a/01")):
        tf.io.gfile.makedirs(f"{inside}/{split}/{name[0]}")
        tf.io.gfile.copy(f"{uploaded}/{name}.png", f"{inside}/{split}/{name}.png")
    assert load_source(f"folder:{inside}", "train").size == 2
    assert load_source(f"folder:{inside}", "validation").size == 1


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("folder:ram://nothing", "No such folder"),
        ("list:ram://nothing/a.csv", "cannot read the list ram://nothing/a.csv: "),
        ("webdataset:ram://nothing/a.tar", "no such file: ram://nothing/a.tar"),
        ("folder:nix://a", "dataset: TensorFlow has no file system nix:// here"),
        ("graph:ram://a", "must be a path on this machine, no address"),
    ],
)
def test_what_is_not_there_is_one_line(dataset, message):
    with pytest.raises(UsageError) as error:
        load_source(dataset, "train")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
