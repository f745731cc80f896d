"""One record of a TFRecord file, read by its byte offset."""

import tensorflow as tf

from ressl_tf.runtime import storage

HEADER, FOOTER = 12, 4  # bytes about a record: length (8) and checksums (4 each)


def read_record(file: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
    """Read the record of `file` (string []) that begins at `offset` (int64 []).

    Returns:
        string [].

    Raises:
        tf.errors.DataLossError: the record is damaged, by its checksums.
    """
    reader = tf.raw_ops.TFRecordDatasetV2(
        filenames=tf.reshape(file, [1]),
        compression_type="",
        buffer_size=0,
        byte_offsets=tf.reshape(offset, [1]),
    )
    records = tf.data.experimental.from_variant(reader, tf.TensorSpec([], tf.string))
    return records.take(1).get_single_element()


def file_state(path: str) -> tuple[str, int, int]:
    """Return absolute path, bytes and time in ns, which a changed file has not.

    Bytes and time of a file that does not exist are -1.
    """
    try:
        return storage.absolute(path), *storage.state(path)
    except OSError:
        return storage.absolute(path), -1, -1
