"""Decoded images on disk: the same as without, never stale, never half."""

import os
import shutil
import time

import numpy as np
import pytest
from helpers.caches import assert_same, examples, opened, six_photos, whole

from ressl_tf.config import Config
from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.data import cache, cache_writer
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches, training_batches
from ressl_tf.data.sources import MemorySource
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.evaluate import task
from ressl_tf.pretraining import dry_run
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def folder(tmp_path):
    return six_photos(tmp_path)


@pytest.fixture
def caches(tmp_path):
    return tmp_path / "caches"


def test_a_cached_set_is_the_set(folder, caches, monkeypatch, caplog):
    """At first, when it is made, and later; with images that cannot be read."""
    (folder / "b" / "3b.png").write_bytes(b"no image")
    monkeypatch.setattr(cache_writer, "SHARD_BYTES", 700)  # three shards
    plain = load_source(f"folder:{folder}", "train", on_bad_image="skip", cache="none")
    first = opened(folder, caches, on_bad_image="skip")
    monkeypatch.setattr(cache, "make_cache", None)
    caplog.clear()
    second = opened(folder, caches, on_bad_image="skip")
    assert "skipped 1 of 7 images that cannot be read" in caplog.text
    for source in (first, second):
        assert_same(source, plain)
        assert (source.name, source.label_names) == (plain.name, plain.label_names)
        assert (source.size, source.skipped) == (6, plain.skipped)
        np.testing.assert_array_equal(source.rows, plain.rows)
        np.testing.assert_array_equal(source.all_labels(), plain.all_labels())
        for row in range(6):
            assert source.example_name(row) == plain.example_name(row)
            assert source.why_unreadable(row) is None
        names = source.encoded.example_name(4), source.encoded.why_unreadable(4)
        assert names == (plain.encoded.example_name(4), plain.encoded.why_unreadable(4))
    assert len(list(whole(caches)[0].glob("*.tfrecord"))) == 3
    with pytest.raises(RunError, match=r"3b\.png: .*\(1 of 7 images\)"):
        opened(folder, caches)


def test_images_come_from_the_cache(folder, caches):
    before, _ = examples(opened(folder, caches))
    source = opened(folder, caches)
    shutil.rmtree(folder)
    for image, expected in zip(examples(source)[0], before, strict=True):
        np.testing.assert_array_equal(image, expected)


@pytest.mark.slow
def test_batches_are_equal_to_the_bit(folder, caches):
    views = Views({"weak": weak_view(8)}, compiled=False)
    options = {"batch_size": 2, "seed": 1, "stop_step": 4, "labelled": True}
    sources = [opened(folder, caches, cache=kind) for kind in ("none", "disk")]
    plain, cached = (list(training_batches(s, views, **options)) for s in sources)
    assert len(plain) == 4
    for (made, labels), (others, other_labels) in zip(plain, cached, strict=True):
        np.testing.assert_array_equal(made["weak"], others["weak"])
        np.testing.assert_array_equal(labels, other_labels)
    for pair in zip(*(evaluation_batches(s, 8, 4) for s in sources), strict=True):
        for made, other in zip(*pair, strict=True):
            np.testing.assert_array_equal(made, other)


@pytest.mark.slow
def test_what_has_changed_gets_another_cache(folder, caches, caplog):
    opened(folder, caches)
    opened(folder, caches)
    assert len(whole(caches)) == 1
    path = folder / "a" / "0.jpg"
    data = path.read_bytes()
    time.sleep(0.02)  # the clock of file systems ticks in ms
    path.write_bytes((folder / "a" / "1.jpg").read_bytes().ljust(len(data), b"\0"))
    assert path.stat().st_size == len(data)
    caplog.set_level("INFO", "ressl_tf")
    source = opened(folder, caches)
    assert f"{whole(caches)[0].name[:-16]}" in caplog.text
    assert "is of another state of this set" in caplog.text
    np.testing.assert_array_equal(*examples(source)[0][:2])
    count = 2
    for change in (
        lambda: (folder / "a" / "7.jpg").write_bytes(data),
        lambda: os.rename(folder / "a" / "7.jpg", folder / "a" / "8.jpg"),
        lambda: os.remove(folder / "a" / "0.jpg"),
    ):
        change()
        plain = load_source(f"folder:{folder}", "train", cache="none")
        assert_same(opened(folder, caches), plain)
        count += 1
        assert len(whole(caches)) == count
    opened(folder, caches, max_pixels=1000)
    assert len(whole(caches)) == count + 1


def test_labels_are_those_of_the_classes_there_are_now(folder, caches):
    """Another class in another split changes their numbers, not the images."""
    root = folder.parent / "split"
    shutil.copytree(folder, root / "train")
    assert opened(root, caches).all_labels().tolist() == [0] * 3 + [1] * 3
    for name in ("aa", "b"):
        shutil.copytree(folder / "a", root / "test" / name)
    assert opened(root, caches).all_labels().tolist() == [0] * 3 + [2] * 3


def test_an_image_that_can_be_read_again_is_not_left_out(folder, caches, monkeypatch):
    """As after an error of the disk: neither size nor time has changed."""
    path, data = folder / "a" / "1.jpg", (folder / "a" / "1.jpg").read_bytes()
    path.write_bytes(bytes(len(data)))
    times = os.stat(path).st_mtime_ns
    assert opened(folder, caches, on_bad_image="skip").size == 5
    path.write_bytes(data)
    os.utime(path, ns=(times, times))
    with pytest.raises(
        RunError, match=r"lacks .*1\.jpg, which can be read now; delete"
    ):
        opened(folder, caches, on_bad_image="skip")


def damage_index(folder):
    (folder / "index.npz").write_bytes(b"PK no zip")


def cut_shard(folder):
    with open(folder / "images-00000.tfrecord", "r+b") as file:
        file.truncate(500)


def lose_shard(folder):
    os.remove(folder / "images-00000.tfrecord")


@pytest.mark.parametrize("damage", [damage_index, cut_shard, lose_shard])
def test_a_damaged_cache_is_named(folder, caches, damage):
    opened(folder, caches)
    (path,) = whole(caches)
    damage(path)
    with pytest.raises(RunError, match=rf"{path} is damaged \(.*\); delete") as error:
        opened(folder, caches)
    assert "\n" not in str(error.value)


def test_a_flipped_bit_is_noticed_when_its_image_is_read(folder, caches):
    opened(folder, caches)
    (path,) = whole(caches)
    shard = path / "images-00000.tfrecord"
    data = bytearray(shard.read_bytes())
    data[-100] ^= 1
    shard.write_bytes(data)
    source = opened(folder, caches)
    assert source.why_unreadable(0) is None
    batches = evaluation_batches(source, 8, 6)
    with pytest.raises(RunError, match=rf"{path} is damaged.*; delete this") as error:  # noqa: SIM117
        with bad_images_as_run_errors():
            list(batches)
    assert "\n" not in str(error.value)


def test_the_folder_by_default(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert str(cache.default_folder()) == "/somewhere/ressl_tf"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert str(cache.default_folder()) == "/home/me/.cache/ressl_tf"


def test_memory_is_given_or_an_error(folder, photos):
    name = f"folder:{photos}"
    assert isinstance(load_source(name, "train", cache="memory"), MemorySource)
    assert not isinstance(load_source(name, "train", cache="none"), MemorySource)
    needed = 26 * 16 * 16 * 3
    with pytest.raises(UsageError, match=rf"{needed} bytes, .*most 500 .*=disk or"):
        load_source(name, "train", cache="memory", memory_limit=500)
    with pytest.raises(UsageError, match="are of several sizes; give --cache=disk"):
        load_source(f"folder:{folder}", "train", cache="memory")
    with pytest.raises(UsageError, match=r"auto, memory, disk, none\. Received: 'ram'"):
        load_source(name, "train", cache="ram")


def test_memory_is_demanded_of_the_training_split_alone(folder, photos, tmp_path):
    """Another split would otherwise be taken for one that is not there."""
    root = tmp_path / "both"
    shutil.copytree(photos / "train", root / "train")
    for label, name in (("a", "red"), ("b", "blue")):
        shutil.copytree(folder / label, root / "test" / name)
    config = LinearConfig(workdir="run", cache="memory", dataset=f"folder:{root}")
    train, test = task.open_splits(config)
    assert (train.size, test.size, test.image_shape) == (26, 6, None)


def test_a_dry_run_makes_no_cache(photos, caches):
    config = Config(
        dataset=f"folder:{photos}",
        image_size=16,
        batch_size=8,
        cache="disk",
        cache_dir=str(caches),
    )
    assert dry_run._source(config).size == 26
    assert not caches.exists()
