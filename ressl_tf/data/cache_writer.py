"""Writing a cache of decoded images: whole, once, and by one process at a time."""

import contextlib
import logging
import pathlib
import shutil
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ressl_tf.data.decode import complaint, header_pixels
from ressl_tf.data.records import FOOTER, HEADER
from ressl_tf.data.sources import EncodedImages
from ressl_tf.runtime import lock
from ressl_tf.runtime.atomic import TEMPORARY, replacing_folder
from ressl_tf.runtime.errors import RunError, UsageError

INDEX = "index.npz"
HASH_LENGTH = 16  # at the end of a cache's name
ABSENT = -1  # in the index, of images that cannot be read
SHARD_BYTES = 2**30
PROBES = 1000  # headers that are read to estimate the size of a cache
MARGIN = 1.1  # free space needed, as a multiple of it
REPORT_SECONDS = 30.0

log = logging.getLogger("ressl_tf")


def make_cache(images: EncodedImages, path: pathlib.Path) -> None:
    """Decode all images into the folder `path`, unless it exists.

    Where another process is doing that, wait for it. Files that killed processes left
    beside `path` are removed.

    Raises:
        UsageError: the folder above cannot be used.
        RunError: it has too little space.
    """
    with _locked(path):
        if not path.is_dir():  # nobody has made it meanwhile
            _remove_leftovers(path)
            _check_space(images, path)
            with replacing_folder(path, locked=True) as temporary:
                _write(images, temporary)


def shard(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Return the path of a cache's file of records with this number."""
    return folder / f"images-{number:05d}.tfrecord"


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    """Hold the lock of a cache; wait for another process that holds it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        release = lock.acquire_when_free(
            _lock_file(path),
            lambda: log.info("waiting for another process, which is making %s", path),
        )
    except (OSError, lock.LockUnsupportedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            "--cache_dir must be a folder that can be written, on a file system with "
            f"locks. Received: {path.parent} ({reason})"
        ) from None
    try:
        yield
    finally:
        release()


def _lock_file(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.lock")


def _check_space(images: EncodedImages, path: pathlib.Path) -> None:
    expected = _expected_bytes(images)
    free = shutil.disk_usage(path.parent).free
    if MARGIN * expected > free:
        raise RunError(
            f"a cache of {images.name} takes about {_gigabytes(expected)}, and "
            f"{path.parent} has {_gigabytes(free)} left: give another --cache_dir, or "
            "--cache=none"
        )
    size = _gigabytes(expected)
    log.info("decoding %d images, about %s, into %s", images.size, size, path)
    others = path.name.rpartition("-")[0] + "-" + "?" * HASH_LENGTH
    for other in path.parent.glob(others):
        log.info("%s is of another state of this set: delete it if it is done", other)


def _remove_leftovers(path: pathlib.Path) -> None:
    """Remove temporary folders of caches that no process is making.

    This process holds the lock of `path`.
    """
    for leftover in path.parent.glob(TEMPORARY):
        made = path.with_name(leftover.name[1:].rpartition(".")[0])
        if made == path:
            shutil.rmtree(leftover, ignore_errors=True)
            continue
        with contextlib.suppress(lock.LockHeldError):
            release = lock.acquire(_lock_file(made))
            shutil.rmtree(leftover, ignore_errors=True)
            release()


def _expected_bytes(images: EncodedImages) -> int:
    """Estimate the bytes of all images, decoded, from headers all over the set."""

    def pixels(row):
        by_header = header_pixels(images.read(row)[0])
        return tf.cond(by_header > 0, lambda: by_header, lambda: decoded(row))

    def decoded(row):  # of formats that libraries read
        sides = tf.shape(images.example(row)[0], tf.int64)[:2]
        return tf.reduce_prod(sides)

    rows = np.unique(np.linspace(0, images.size - 1, PROBES, dtype=np.int64))
    found = images.each_readable(pixels, rows).as_numpy_iterator()
    usable = [pixels for pixels in found if pixels <= images.decoding.max_pixels]
    each = images.decoding.channels * np.dtype(images.decoding.dtype).itemsize
    return round(each * np.mean(usable) * images.size) if usable else 0


def _write(images: EncodedImages, folder: pathlib.Path) -> None:
    """Write all images that decode, and the index."""

    def flat(row):
        image, label = images.example(row)
        return row, tf.shape(image), label, tf.reshape(image, [-1])

    index = np.full((images.size, 5), ABSENT, np.int64)
    written, reported = 0, time.monotonic()
    with _Shards(folder) as shards:
        for row, sides, label, image in images.each_readable(flat).as_numpy_iterator():
            index[row] = *shards.write(image.tobytes()), *sides[:2], label
            written += image.nbytes
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                done = row + 1, images.size, _gigabytes(written)
                log.info("decoded %d of %d images, %s", *done)
    np.savez(folder / INDEX, index=index, sizes=shards.sizes)
    log.info("decoded %d images, %s", images.size, _gigabytes(written))


class _Shards:
    """Files of about SHARD_BYTES that records are written to, one after another."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.sizes: list[int] = []  # of the files, in bytes
        self.file: tf.io.TFRecordWriter | None = None

    def write(self, record: bytes) -> tuple[int, int]:
        """Write a record; return the number of its file and its offset there."""
        with _full_disk_as_run_error(self.folder):
            if self.file is None or self.sizes[-1] >= SHARD_BYTES:
                self.close()
                path = str(shard(self.folder, len(self.sizes)))
                self.file = tf.io.TFRecordWriter(path)
                self.sizes.append(0)
            self.file.write(record)
        begin = self.sizes[-1]
        self.sizes[-1] += HEADER + len(record) + FOOTER
        return len(self.sizes) - 1, begin

    def close(self) -> None:
        """Close the file that is open, if any."""
        if self.file is not None:
            self.file.close()

    def __enter__(self) -> "_Shards":
        return self

    def __exit__(self, *_: object) -> None:
        with _full_disk_as_run_error(self.folder):
            self.close()


@contextlib.contextmanager
def _full_disk_as_run_error(folder: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        reason = complaint(error).rpartition("; ")[2]  # after the path
        raise RunError(f"cannot write {folder}: {reason}") from None


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
