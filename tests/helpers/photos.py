"""Photos on disk, good and bad."""

import os
import struct
import zlib

import numpy as np
import tensorflow as tf


def flat(value, height=8, width=8):
    return np.full((height, width, 3), value, np.uint8)


def write(path, image, encode=tf.io.encode_png):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = image if isinstance(image, bytes) else encode(image).numpy()
    with open(path, "wb") as file:
        file.write(data)
    return str(path)


def png(width, height, depth, colour_type, rows, *chunks):
    """Return a PNG made by hand, of the kinds that TensorFlow cannot write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]:
        checksum = zlib.crc32(kind + body)
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
    return out


def values(source):
    return [int(source.examples([i])[0][0, 0, 0, 0]) for i in range(source.size)]
