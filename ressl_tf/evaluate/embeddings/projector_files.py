"""Features for TensorBoard's projector: numbers, names and a sheet of thumbnails."""

import math
import pathlib

import numpy as np
import tensorflow as tf
from tensorboard.plugins import projector

from ressl_tf.data.readable import readable_batches
from ressl_tf.data.shown_channels import shown
from ressl_tf.evaluate.embeddings.table import Table
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.file_names import printable

SHEET = 8192  # pixels of the sheet's side at most; browsers show no larger one
THUMBNAIL = 64  # pixels of a thumbnail's side at most
MOST = 100_000  # points that a browser holds
BATCH_SIZE = 256
COMPRESSION = 1  # of 9: photos hardly shrink by more, which takes seconds


def check_size(count: int) -> None:
    """Refuse more points than a browser holds.

    Raises:
        UsageError: `count` is above 100,000.
    """
    if count > MOST:
        raise UsageError(
            f"--format=projector shows at most {MOST:,} images in a browser; take "
            f"another format, or a part by --split. Received: {count:,} images"
        )


def write(folder: pathlib.Path, table: Table) -> None:
    """Write what `tensorboard --logdir=FOLDER` shows as PROJECTOR.

    Args:
        folder: that is there and empty.
        table: what is written.

    Raises:
        UsageError: there are too many images.
    """
    check_size(len(table.rows))
    most = SHEET // math.ceil(math.sqrt(len(table.rows)))
    side = min(THUMBNAIL, table.about["image_size"], most)
    _write_tables(folder, table)
    sheet = tf.io.encode_png(thumbnails(table, side), COMPRESSION)
    (folder / "thumbnails.png").write_bytes(sheet.numpy())
    config = projector.ProjectorConfig()
    entry = config.embeddings.add()
    entry.tensor_name = table.about["outputs"]
    entry.tensor_path, entry.metadata_path = "features.tsv", "metadata.tsv"
    entry.sprite.image_path = "thumbnails.png"
    entry.sprite.single_image_dim.extend([side, side])
    (folder / "projector_config.pbtxt").write_text(str(config))


def thumbnails(table: Table, side: int) -> np.ndarray:
    """Draw the images, row by row, on a square sheet, uint8 [h, w, 3].

    Args:
        table: names the images, which are read again.
        side: of a thumbnail in pixels.
    """
    columns = math.ceil(math.sqrt(len(table.rows)))
    sheet = np.zeros((columns * side, columns * side, 3), np.uint8)
    size = table.about["image_size"]
    batches = readable_batches(table.source, size, BATCH_SIZE, rows=table.rows)
    for rows, images, _ in batches:
        pictures = shown(images, table.about.get("rgb", ""))
        small = tf.image.resize(pictures, (side, side), antialias=True)
        small = tf.cast(tf.round(small), tf.uint8).numpy()
        for place, image in zip(np.searchsorted(table.rows, rows), small, strict=True):
            top, left = (side * i for i in divmod(int(place), columns))
            sheet[top : top + side, left : left + side] = image
    return sheet


def _write_tables(folder: pathlib.Path, table: Table) -> None:
    with (
        open(folder / "features.tsv", "w") as features,
        open(folder / "metadata.tsv", "w", encoding="utf-8") as metadata,
    ):
        metadata.write("path\tclass\n")  # a header, as there are two columns
        for start, stop, block in table:
            np.savetxt(features, block.astype(np.float32), "%.9g", "\t")
            classes = table.classes(start, stop)
            for name, kind in zip(table.names(start, stop), classes, strict=True):
                metadata.write(f"{printable(name)}\t{printable(kind or '')}\n")
