"""From the name of a set to its images, as they lie on the disk."""

from typing import Any

from ressl_tf.data.deep_range import check_deep_range
from ressl_tf.data.file_list import FileList
from ressl_tf.data.folder import Folder
from ressl_tf.data.sources import EncodedImages
from ressl_tf.data.tfds import Records, open_builder
from ressl_tf.runtime.errors import UsageError

FOLDERS: dict[str, type] = {"folder": Folder, "files": FileList}


def open_encoded(
    dataset: str,
    split: str,
    *,
    data_dir: str | None,
    download: bool,
    skip: bool,
    labels: str,
    max_pixels: int,
    channels: int = 3,
) -> EncodedImages:
    """Find the images of a split; `data.load.load_source` says what the arguments are.

    Args:
        dataset: "folder:/path", "files:/list.json", "shapes" or a TFDS name.
        split: in TFDS syntax.
        data_dir: where TFDS keeps its data.
        download: whether TFDS may download what is not prepared.
        skip: whether folders that cannot be listed are left out.
        labels: "auto", "folders" or "none".
        max_pixels: an image of more, by its header, is unreadable.
        channels: of the images, 3 or 1.

    Raises:
        UsageError: they are not there, or hold deeper pixels than are read, or other
            channels are asked for.
    """
    if channels not in (1, 3):
        raise UsageError(
            "files are read as RGB or grey images; an array or a tf.data.Dataset in "
            f"Python may have other channels. Received: channels={channels}, {dataset}"
        )
    encoded: EncodedImages
    kind, _, path = dataset.partition(":")
    if kind in FOLDERS:
        encoded = _listed(FOLDERS[kind], path, split, skip, labels)
    elif labels == "folders":
        raise UsageError(
            f"labels=folders is for a folder of images. Received: dataset={dataset!r}"
        )
    else:
        builder = open_builder(dataset, data_dir, download)
        encoded = Records(builder, split, labels != "none")
    encoded.max_pixels, encoded.channels = max_pixels, channels
    check_deep_range(encoded)
    return encoded


def _listed(kind: type, *where: Any) -> EncodedImages:
    try:
        return kind(*where)
    except OSError as error:
        raise UsageError(f"Cannot list {error.filename!r}: {error.strerror}") from None
