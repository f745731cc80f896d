"""The formats that features are written in, by name."""

import pathlib

from ressl_tf.evaluate.embeddings import npz_file, projector_files, table_files
from ressl_tf.evaluate.embeddings.table import Table
from ressl_tf.runtime.atomic import replacing, replacing_folder

FILES = {
    "npz": npz_file.write,
    "parquet": table_files.write_parquet,
    "csv": table_files.write_csv,
    "tfrecord": table_files.write_tfrecord,
}


def check_available(name: str, count: int = 0) -> None:
    """Refuse, before the work, a format that cannot be written.

    Args:
        name: of the format.
        count: images of the set.

    Raises:
        UsageError: a library is not there, or the format does not hold so many.
    """
    if name == "parquet":
        table_files.pyarrow()
    if name == "projector":
        projector_files.check_size(count)


def write(name: str, path: pathlib.Path, table: Table) -> None:
    """Write a table in the format `name`, whole or not at all.

    Raises:
        OSError: it cannot be written.
        RunError: the disk is full.
    """
    if name == "projector":
        with replacing_folder(path, locked=True) as folder:
            projector_files.write(folder, table)
        return
    with replacing(path) as temporary:
        FILES[name](temporary, table)
