"""One range of bytes of a large file, read alone."""

import tensorflow as tf


def read_range(
    file: tf.Tensor, offset: tf.Tensor, length: tf.Tensor, size: tf.Tensor
) -> tf.Tensor:
    """Read bytes of `file`, string [].

    Args:
        file: string [].
        offset: int64 [], of the first byte.
        length: int64 [], bytes to read, one or more.
        size: int64 [], bytes of the file.

    Raises:
        tf.errors.OpError: there are no such bytes.
    """
    reader = tf.raw_ops.FixedLengthRecordDatasetV2(
        filenames=tf.reshape(file, [1]),
        header_bytes=offset,
        record_bytes=length,
        footer_bytes=size - offset - length,
        buffer_size=tf.constant(0, tf.int64),
        compression_type="",
    )
    found = tf.data.experimental.from_variant(reader, tf.TensorSpec([], tf.string))
    return found.take(1).get_single_element()
