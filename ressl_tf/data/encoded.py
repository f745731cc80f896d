"""From the name of a set to its images, as they lie on the disk."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.deep_range import check_deep_range
from ressl_tf.data.file_list import FileList
from ressl_tf.data.image_list import ImageList
from ressl_tf.data.joined import open_folders
from ressl_tf.data.record_shards import RecordShards
from ressl_tf.data.sources import EncodedImages
from ressl_tf.data.tar_shards import TarShards
from ressl_tf.data.tfds import Records, open_builder
from ressl_tf.runtime.errors import UsageError

FILES: dict[str, Callable[..., EncodedImages]] = {  # prefix -> what opens its path
    "folder": open_folders,
    "files": FileList,
    "list": ImageList,
    "webdataset": TarShards,
    "tfrecord": RecordShards,
}


def open_encoded(
    dataset: str,
    split: str,
    *,
    data_dir: str | None,
    download: bool,
    skip: bool,
    labels: str,
    decoding: Decoding,
) -> EncodedImages:
    """Find the images of a split; `data.load.load_source` says what the arguments are.

    Args:
        dataset: "folder:/path", "folder:/a,/b", "files:/list.json", "list:/list.csv",
            "webdataset:/shards", "tfrecord:/shards", "shapes" or a TFDS name.
        split: in TFDS syntax.
        data_dir: where TFDS keeps its data.
        download: whether TFDS may download what is not prepared.
        skip: whether folders that cannot be listed are left out.
        labels: "auto", "folders" or "none".
        decoding: how their bytes become pixels.

    Raises:
        UsageError: they are not there, or hold deeper pixels than are read.
    """
    encoded: EncodedImages
    kind, _, path = dataset.partition(":")
    if kind in FILES:
        encoded = _listed(FILES[kind], path, split, skip, labels)
    elif labels == "folders":
        raise UsageError(
            f"labels=folders is for a folder of images. Received: dataset={dataset!r}"
        )
    else:
        builder = open_builder(dataset, data_dir, download)
        encoded = Records(builder, split, labels != "none")
    encoded.decoding = decoding
    deep = check_deep_range(encoded)
    if decoding.pixels == "auto":
        pixels = "float32" if deep else "uint8"
        encoded.decoding = dataclasses.replace(decoding, pixels=pixels)
    return encoded


def _listed(opener: Callable[..., EncodedImages], *where: Any) -> EncodedImages:
    try:
        return opener(*where)
    except OSError as error:
        raise UsageError(f"Cannot list {error.filename!r}: {error.strerror}") from None
