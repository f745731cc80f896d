"""Images that Python libraries decode, inside `tf.data`."""

import dataclasses
import importlib

import numpy as np
import tensorflow as tf

from ressl_tf.config.decoding import RGB, Decoding
from ressl_tf.data.formats.raw import Raw
from ressl_tf.data.library_formats import EXTRA, format_of
from ressl_tf.data.value_range import to_pixels


def decode_by_library(encoded: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    """Decode string [] -> [height, width, 3], or all bands where they are asked.

    Its type is `decoding.dtype`.

    Raises:
        tf.errors.InvalidArgumentError: the library is missing or cannot read it.
    """
    in_colours = decoding.channels in (1, RGB)
    convert = as_rgb if in_colours else all_bands

    def decoded(data):
        return convert(read(data, decoding), decoding.value_range, decoding.dtype)

    if tf.executing_eagerly():
        try:
            return tf.constant(decoded(tf.convert_to_tensor(encoded).numpy()))
        except ValueError as error:  # as `numpy_function` has it in a graph
            raise tf.errors.InvalidArgumentError(None, None, str(error)) from None
    image = tf.numpy_function(decoded, [encoded], decoding.dtype, stateful=False)
    return tf.ensure_shape(image, [None, None, RGB if in_colours else None])


def read(data: bytes, decoding: Decoding) -> Raw:
    """Read all channels as they are stored.

    Raises:
        ValueError: what is wrong, in one line.
    """
    found = format_of(data)
    if found is None:
        raise ValueError("its bytes are of no known format")
    if not found.available:
        raise ValueError(f"a {found.name} file; {EXTRA} reads it")
    reader = importlib.import_module(f"ressl_tf.data.formats.{found.reader}")
    try:
        raw = reader.read(data, decoding)
    except Exception as error:  # each library has many
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(f"{found.name}: {lines[0]}") from None
    return dataclasses.replace(raw, values=_bands_last(raw.values))


def as_rgb(raw: Raw, value_range: str, dtype: str = "uint8") -> np.ndarray:
    """Return red, green and blue, [height, width, 3].

    Of three bands and more these are the first three; of fewer, the first is grey.
    Floats beyond 0 and 1 have no range of their own.

    Raises:
        ValueError: the range must be given.
    """
    bands = raw.values.shape[-1]
    values = raw.values[..., :RGB] if bands >= RGB else raw.values[..., :1]
    scaled = _scaled(raw, values, value_range, dtype)
    shape = (*scaled.shape[:2], RGB)
    return np.ascontiguousarray(np.broadcast_to(scaled, shape))


def all_bands(raw: Raw, value_range: str, dtype: str = "uint8") -> np.ndarray:
    """Return every band, [height, width, bands].

    Raises:
        ValueError: the range must be given.
    """
    return np.ascontiguousarray(_scaled(raw, raw.values, value_range, dtype))


def _scaled(raw: Raw, values: np.ndarray, value_range: str, dtype: str) -> np.ndarray:
    if raw.unknown_range and value_range in ("auto", "dtype"):
        low, high = np.nanmin(values), np.nanmax(values)
        if low < 0 or high > 1:
            raise ValueError(
                f"floats from {low:.4g} to {high:.4g}, which no range is known for: "
                "give --value_range=lo,hi or percentiles"
            )
    scaled = to_pixels(values, raw.own_range, value_range, dtype)
    return 255 - scaled if raw.inverted else scaled


def _bands_last(values: np.ndarray) -> np.ndarray:
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim != 3 or 0 in values.shape:
        raise ValueError(f"an array of {list(values.shape)} is no image")
    return values
