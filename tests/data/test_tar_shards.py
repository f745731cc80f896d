"""Tar files as webdataset has them, read by their headers."""

import io
import tarfile

import numpy as np
import pytest
import tensorflow as tf
from helpers.photos import flat

from ressl_tf.data import tar_shards
from ressl_tf.data.load import load_source
from ressl_tf.data.tar_shards import TarShards
from ressl_tf.runtime.errors import UsageError


def member(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def shard(path, numbers, labels=True, style=tarfile.USTAR_FORMAT, folder=""):
    with tarfile.open(path, "w", format=style) as archive:
        for n in numbers:
            if labels:
                member(archive, f"{folder}{n:04}.cls", str(n % 12).encode())
            member(archive, f"{folder}{n:04}.seg.txt", b"left out")
            image = tf.io.encode_png(flat(n, 4 + n % 3)).numpy()
            member(archive, f"{folder}{n:04}.png", image)


@pytest.fixture
def shards(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "shards"
    folder.mkdir()
    shard(folder / "train-000.tar", range(7))
    shard(folder / "train-001.tar", range(7, 9), style=tarfile.GNU_FORMAT)
    shard(folder / "val-000.tar", range(9, 13))
    return folder


def first_values(source):
    images = (source.read(row)[0] for row in range(source.size))
    return [int(tf.io.decode_png(image)[0, 0, 0]) for image in images]


def test_images_and_labels_in_the_order_of_the_shards(shards, caplog):
    source = load_source(f"webdataset:{shards}", "train")
    assert [int(source.example(i)[0][0, 0, 0]) for i in range(9)] == list(range(9))
    assert source.label_names == tuple(map(str, range(12)))
    np.testing.assert_array_equal(source.all_labels(), np.arange(9))
    assert source.example_name(7) == f"{shards}/train-001.tar/0007"
    assert "9 x .txt" in caplog.text
    rest = TarShards(f"{shards}", "validation")
    assert first_values(rest) == [9, 10, 11, 12]
    np.testing.assert_array_equal(rest.all_labels(), [9, 10, 11, 0])
    none = TarShards(f"{shards}", "val", labels="none")
    assert none.label_names is None


def test_the_index_is_kept_until_the_shard_changes(shards, monkeypatch):
    name = f"{shards}/val-000.tar"
    TarShards(name, "val")
    with monkeypatch.context() as patch:
        patch.setattr(tar_shards, "index_tar", None)
        TarShards(name, "val")
    shard(shards / "val-000.tar", range(20, 22), labels=False)
    source = TarShards(name, "val")
    assert first_values(source) == [20, 21]
    assert source.label_names is None


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_several_members(style, shards):
    long = "ü" * 60 + "/" + "b" * 90 + "/"
    shard(shards / "odd.tar", range(3), style=style, folder=long)
    source = TarShards(f"{shards}/odd.tar", "train")
    assert first_values(source) == [0, 1, 2]
    assert source.example_name(2).endswith(f"{long}0002")


def test_patterns_and_ranges(shards):
    for path in ("train-{000..001}.tar", "train-*.tar"):
        source = TarShards(f"{shards}/{path}", "train")
        assert source.size == 9


@pytest.mark.parametrize(
    ("path", "split", "message"),
    [
        ("train-{000..002}.tar", "train", "no such file: .*train-002.tar"),
        ("none", "train", "no such file"),
        ("", "test", r"of the splits train, validation.*Received: 'test'"),
    ],
)
def test_what_is_not_there(path, split, message, shards):
    with pytest.raises(UsageError, match=message):
        TarShards(f"{shards}/{path}", split)


def test_damaged_shards(shards):
    path = shards / "train-000.tar"
    whole = path.read_bytes()
    garbage = whole[:3072] + b"text" * 128 + whole[3584:]
    for damaged in (whole[:-12000], b"text" * 500, whole[:700], garbage):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match=r"train-000.tar cannot be read"):
            TarShards(f"{path}", "train")
