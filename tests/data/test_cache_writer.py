"""Making a cache: full disks, killed writers, two at once."""

import errno
import shutil
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from helpers.caches import SIDES, assert_same, opened, six_photos, whole

from ressl_tf.data import cache_writer
from ressl_tf.data.load import load_source
from ressl_tf.runtime import lock
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def folder(tmp_path):
    return six_photos(tmp_path)


@pytest.fixture
def caches(tmp_path):
    return tmp_path / "caches"


def test_the_size_is_known_before(folder, caches, monkeypatch):
    source = opened(folder, caches)
    expected = 3 * sum(height * width for height, width in SIDES)
    assert cache_writer._expected_bytes(source.encoded.original) == expected
    usage = shutil.disk_usage(caches)._replace(free=expected)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    shutil.rmtree(whole(caches)[0])
    with pytest.raises(
        RunError, match=r"takes about 0\.0 GB, and .*/caches has 0\.0 GB"
    ):
        opened(folder, caches)
    assert whole(caches) == []


@pytest.mark.parametrize("part", ["images", "index"])
def test_a_full_disk_leaves_nothing(folder, caches, monkeypatch, part):
    """With the error that TensorFlow makes of ENOSPC, and with that of Python."""

    class Writer:
        def __init__(self, path):
            self.path = path

        def write(self, record):
            message = f"{self.path}; No space left on device"
            raise tf.errors.ResourceExhaustedError(None, None, message)

        def close(self):
            pass

    def savez(path, **arrays):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    if part == "images":
        monkeypatch.setattr(tf.io, "TFRecordWriter", Writer)
    else:
        monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(RunError, match=r"cannot write [^:]*: No space left on device$"):
        opened(folder, caches)
    assert [path.suffix for path in caches.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--cache_dir must be a folder.*Received: "):
        opened(folder, tmp_path / "file" / "caches")


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["fcntl", "neither"])
def test_what_a_killed_writer_left_is_removed_and_not_used(
    folder, caches, platform, monkeypatch
):
    if platform == "neither":
        monkeypatch.setattr(lock, "fcntl", None)
    opened(folder, caches)
    (path,) = whole(caches)
    mine = caches / f".{path.name}.tmp"
    path.rename(mine)
    dead, living = caches / ".dead-0123.tmp", caches / ".living-0123.tmp"
    for leftover in (dead, living):
        shutil.copytree(mine, leftover)
    (mine / cache_writer.INDEX).unlink()
    release = lock.acquire(caches / ".living-0123.lock")
    source = opened(folder, caches)
    release()
    assert_same(source, load_source(f"folder:{folder}", "train", cache="none"))
    assert (dead.exists(), mine.exists(), living.exists()) == (False, False, True)


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["fcntl", "neither"])
def test_of_two_at_once_one_makes_the_cache(
    folder, caches, platform, monkeypatch, caplog
):
    if platform == "neither":
        monkeypatch.setattr(lock, "fcntl", None)
    caplog.set_level("INFO", "ressl_tf")
    write, made, results = cache_writer._write, [], []

    def slow(images, temporary):
        made.append(temporary)
        time.sleep(0.3)
        write(images, temporary)

    monkeypatch.setattr(cache_writer, "_write", slow)
    both = [
        threading.Thread(target=lambda: results.append(opened(folder, caches)))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(made) == 1
    assert "waiting for another process" in caplog.text
    assert_same(*results)


def test_the_size_of_what_libraries_read_is_that_of_the_decoded(tmp_path):
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", np.zeros((6, 4 + number), np.uint8))
    source = load_source(f"folder:{tmp_path}", "train", cache="none")
    assert cache_writer._expected_bytes(source.encoded) == 3 * 6 * (4 + 5 + 6)
