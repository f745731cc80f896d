"""From the name of a set to its images, as they lie on the disk."""

from ressl_tf.data.file_list import FileList
from ressl_tf.data.folder import Folder
from ressl_tf.data.sources import EncodedImages
from ressl_tf.data.tfds import Records, open_builder
from ressl_tf.runtime.errors import UsageError

FOLDERS: dict[str, type] = {"folder": Folder, "files": FileList}


def open_encoded(
    dataset: str,
    split: str,
    data_dir: str | None,
    download: bool,
    skip: bool,
    labels: str,
) -> EncodedImages:
    """Find the images of a split; `data.load.load_source` says what the arguments are.

    Args:
        dataset: "folder:/path", "files:/list.json", "shapes" or a TFDS name.
        split: in TFDS syntax.
        data_dir: where TFDS keeps its data.
        download: whether TFDS may download what is not prepared.
        skip: whether folders that cannot be listed are left out.
        labels: "auto", "folders" or "none".

    Raises:
        UsageError: they are not there.
    """
    kind, _, path = dataset.partition(":")
    if kind in FOLDERS:
        try:
            return FOLDERS[kind](path, split, skip, labels)
        except OSError as error:
            raise UsageError(
                f"Cannot list {error.filename!r}: {error.strerror}"
            ) from None
    if labels == "folders":
        raise UsageError(
            f"labels=folders is for a folder of images. Received: dataset={dataset!r}"
        )
    builder = open_builder(dataset, data_dir, download)
    return Records(builder, split, labels != "none")
