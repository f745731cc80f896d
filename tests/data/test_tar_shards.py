"""Tar files as webdataset has them, read by their headers."""

import io
import tarfile

import numpy as np
import pytest
import tensorflow as tf
from helpers.photos import flat

from ressl_tf.data import tar_shards
from ressl_tf.data.load import load_source
from ressl_tf.data.tar_index import index_tar
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


def changed(path, name, size):
    """Write another size into the header of a member, and its checksum."""
    data = bytearray(path.read_bytes())
    start = data.rindex(name.encode().ljust(100, b"\0"))
    data[start + 124 : start + 136] = size.ljust(12, b"\0")
    data[start + 148 : start + 156] = b" " * 8
    checksum = b"%06o\0 " % sum(data[start : start + 512])
    data[start + 148 : start + 156] = checksum
    path.write_bytes(data)


@pytest.mark.parametrize("long", [False, True], ids=["own reader", "tarfile"])
@pytest.mark.parametrize("size", [b"-1000", b"-2000", b"77777777777"])
def test_a_size_that_leads_back_or_beyond_the_end_is_damage(tmp_path, long, size):
    """Sizes below 0 would be followed in a circle, for ever."""
    path = tmp_path / "train.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        member(archive, "a" * 120 + ".png" if long else "a.png", b"abcd")
        member(archive, "b.png", b"abcd")
    changed(path, "b.png", size)
    with pytest.raises(ValueError, match=r"it is (damaged|cut)"):
        index_tar(str(path))


def test_members_that_climb_are_names_alone_and_links_are_left_out(tmp_path):
    """Nothing is unpacked: an image is read by its place in the shard."""
    path = tmp_path / "train.tar"
    image = tf.io.encode_png(flat(7, 4)).numpy()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        member(archive, "../../a.png", image)
        member(archive, "/etc/b.png", image)
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            link = tarfile.TarInfo("c.png")
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
    index = index_tar(str(path))
    assert index.keys == ["../../a", "/etc/b"]
    assert index.lengths == [len(image)] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_label_of_megabytes_is_refused(tmp_path):
    path = tmp_path / "train.tar"
    with tarfile.open(path, "w") as archive:
        member(archive, "a.cls", bytes(2**20))
        member(archive, "a.png", b"abcd")
    with pytest.raises(ValueError, match=r"a.cls has 1048576 bytes, too many"):
        index_tar(str(path))
