"""The one way from flags to images: every set is opened here."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.config.data_flags import (
    BAD_IMAGE_ACTIONS,
    CACHES,
    LABELS,
    PATHS,
)
from ressl_tf.config.decoding import MAX_PIXELS, RGB, Decoding, as_decoding
from ressl_tf.data.cache import open_cache
from ressl_tf.data.encoded import open_encoded
from ressl_tf.data.held_in_memory import in_memory
from ressl_tf.data.image_sides import none_readable
from ressl_tf.data.python_data import ARRAY, given
from ressl_tf.data.readable_rows import leave_out, readable_rows
from ressl_tf.data.sources import (
    EncodedImages,
    Source,
    StreamSource,
)
from ressl_tf.runtime import paths
from ressl_tf.runtime.errors import UsageError

MEMORY_LIMIT = 2 * 2**30  # decoded bytes
PROBES = 32  # images that are read to see whether a set is of one size
TEST_SPLITS = ("test", "validation")  # what "auto" tries, in this order

logger = logging.getLogger("ressl_tf")


def open_source(
    config: Any,
    split: str,
    *,
    cache: str | None = None,
    channels: int | None = None,
    pixels: str | None = None,
) -> Source:
    """Open a split of the data set that a config names.

    Args:
        config: has `dataset` and the flags of `config.data_flags`.
        split: in TFDS syntax: "train", "train[:10%]".
        cache: instead of the config's own `cache`.
        channels: of the images; None for the config's own.
        pixels: of the images; None for the config's own, where "auto" is uint8.

    Raises:
        UsageError: it is not there, or cannot be held as `cache` says.
        RunError: an image cannot be read.
    """
    decoding = decoding_of(config, channels, pixels)
    return load_source(
        config.dataset,
        split,
        data_dir=config.data_dir or None,
        download=config.download,
        on_bad_image=config.on_bad_image,
        max_pixels=config.max_pixels,
        exif=decoding.exif,
        value_range=decoding.value_range,
        cache=cache or config.cache,
        cache_dir=getattr(config, "cache_dir", None) or None,
        labels=getattr(config, "labels", "auto"),
        channels=decoding.channels,
        pixels=decoding.pixels,
    )


def list_source(
    config: Any, split: str, channels: int | None = None, pixels: str | None = None
) -> Source:
    """List a split, as `open_source` names it, without a look at its images.

    Args:
        config: of `open_source`.
        split: of `open_source`.
        channels: of `open_source`.
        pixels: of `open_source`.

    Raises:
        UsageError: it is not there.
    """
    if config.dataset.startswith(ARRAY):
        return open_source(config, split, channels=channels, pixels=pixels)
    encoded = open_encoded(
        config.dataset,
        split,
        data_dir=config.data_dir or None,
        download=config.download,
        skip=config.on_bad_image == "skip",
        labels=config.labels,
        decoding=decoding_of(config, channels, pixels),
    )
    return _source_of(encoded, np.arange(encoded.size), encoded.unlisted)


def decoding_of(
    config: Any, channels: int | None = None, pixels: str | None = None
) -> Decoding:
    """Return how a config asks for images to be decoded; the others in its place.

    Raises:
        UsageError: its range of values is none.
    """
    exif = getattr(config, "exif", "auto")
    value_range = getattr(config, "value_range", "auto")
    if channels is None:
        channels = getattr(config, "channels", RGB)
    if pixels is None:
        pixels = getattr(config, "pixels", "auto")
        pixels = "uint8" if pixels == "auto" else pixels
    return as_decoding(exif, value_range, config.max_pixels, channels, pixels)


def open_beside(config: Any, split: str, channels: int | None = None) -> Source:
    """Open a split that is read beside the one that is learned from.

    `--cache=memory` is demanded of that one alone.
    """
    return open_source(config, split, cache=beside(config.cache), channels=channels)


def open_first(
    config: Any, splits: Sequence[str], **options: Any
) -> tuple[Source, str]:
    """Open the first split there is, and say which.

    Args:
        config: of `open_source`.
        splits: names to try, in this order.
        **options: of `open_source`.

    Raises:
        UsageError: none is there; the message is that of the last.
    """
    for split in splits[:-1]:
        try:
            return open_source(config, split, **options), split
        except UsageError:
            continue
    return open_source(config, splits[-1], **options), splits[-1]


def beside(cache: str) -> str:
    """Return `--cache` of a split that is read beside the one that is learned from."""
    return "auto" if cache == "memory" else cache


def load_source(
    dataset: str,
    split: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    on_bad_image: str = "stop",
    max_pixels: int = MAX_PIXELS,
    exif: str = "apply",
    value_range: str = "auto",
    cache: str = "auto",
    cache_dir: str | None = None,
    memory_limit: int = MEMORY_LIMIT,
    labels: str = "auto",
    channels: int = RGB,
    pixels: str = "uint8",
) -> Source:
    """Open a set of images.

    Args:
        dataset: a TFDS name ("cifar10", "name/config"), "shapes", "folder:/a,/b",
            "files:/list.json", "list:/list.csv", "webdataset:/*.tar", "tfrecord:/path".
        split: "train", "test", ...; of TFDS also slices such as "train[:10%]".
        data_dir: of TFDS; None is ~/tensorflow_datasets.
        download: whether TFDS may download what is not prepared.
        on_bad_image: "stop" raises at the first; "skip" leaves them out, in one more
            pass of decoding where a set streams.
        max_pixels: an image of more, by its header, is unreadable.
        exif: of `config.decoding.Decoding`, as `value_range`.
        value_range: "lo,hi" becomes 0 to 255.
        cache: where decoded images are kept. "auto": in memory, if they are of one size
            and at most `memory_limit`, else nowhere. "memory": there, or an error.
            "disk": in `cache_dir`. "none": nowhere.
        cache_dir: of "disk"; None is `cache.default_folder()`.
        memory_limit: in bytes.
        labels: "auto"; "none"; "folders": sub-folders are classes, even beside images.
        channels: of the images.
        pixels: of `Decoding`; "auto": as the set needs.

    Raises:
        UsageError: there is no such set, no readable image, or too little memory.
        RunError: an image cannot be read, with "stop"; or a cache on the disk cannot.
    """
    _check_choices(on_bad_image, cache, labels)
    dataset = paths.local(dataset, "dataset", PATHS, remote=True)
    if dataset.startswith(ARRAY):
        return given(dataset, split, labels, channels, pixels)
    data_dir = data_dir and paths.local(data_dir, "data_dir")
    cache_dir = cache_dir and paths.local(cache_dir, "cache_dir")
    skip = on_bad_image == "skip"
    encoded = open_encoded(
        dataset,
        split,
        data_dir=data_dir,
        download=download,
        skip=skip,
        labels=labels,
        decoding=Decoding(max_pixels, exif, value_range, channels, pixels),
    )
    return _held(encoded, split, cache, cache_dir, skip, memory_limit)


def _held(
    encoded: EncodedImages,
    split: str,
    cache: str,
    cache_dir: str | None,
    skip: bool,
    limit: int,
) -> Source:
    """Keep the images where `cache` says, or read them whenever they are used."""
    shape = _probe(encoded)
    if cache in ("auto", "memory"):
        source = in_memory(encoded, shape, skip, limit, cache == "memory")
        if source is not None:
            return source
    if cache == "disk":
        cached = open_cache(encoded, split, cache_dir)
        return _stream(cached, cached.good, skip)
    rows = readable_rows(encoded) if skip else np.arange(encoded.size)
    return _stream(encoded, rows, skip)


def _stream(encoded: EncodedImages, good: np.ndarray, skip: bool) -> StreamSource:
    """Make a source that reads the images of these rows when they are used."""
    skipped = leave_out(encoded, np.setdiff1d(np.arange(encoded.size), good), skip)
    return _source_of(encoded, good, skipped)


def _source_of(
    encoded: EncodedImages, rows: np.ndarray, skipped: tuple[str, ...]
) -> StreamSource:
    with tf.device("CPU:0"):
        held = tf.constant(rows)
    return StreamSource(encoded.name, encoded, encoded.label_names, held, skipped)


def _check_choices(on_bad_image: str, cache: str, labels: str) -> None:
    for name, value, allowed in (
        ("on_bad_image", on_bad_image, BAD_IMAGE_ACTIONS),
        ("cache", cache, CACHES),
        ("labels", labels, LABELS),
    ):
        if value not in allowed:
            raise UsageError(f"{name} is {', '.join(allowed)}. Received: {value!r}")


def _probe(encoded: EncodedImages) -> tuple[int, int, int] | None:
    """Return the shape that some images, from all over the set, share, or None."""
    rows = np.unique(np.linspace(0, encoded.size - 1, PROBES, dtype=np.int64))
    shapes = encoded.shapes(rows)
    if not shapes:
        raise none_readable(encoded, rows)
    return shapes[0] if len(set(shapes)) == 1 else None
