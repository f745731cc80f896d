"""The process that decodes HEIC files for another one, and may die of them.

It is run as a script, by its path, and imports nothing of this package. Requests come
on stdin, answers go to stdout, and the end of stdin ends it.

    request: bytes of the file and most pixels (two unsigned 64-bit numbers), the file
    answer:  height, width, bands (three of them) and the values, 8-bit;
             or 0, 0, length and a reason in UTF-8
"""

import importlib
import io
import os
import struct
import sys
from typing import BinaryIO

import numpy as np

REQUEST, ANSWER = struct.Struct("<QQ"), struct.Struct("<QQQ")
BYTES_OF_PIXEL = 32  # that a decoder may need, besides what it needs at all
BYTES_AT_ALL = 2**31


def decoded(data: bytes, most: int) -> np.ndarray:
    """Return the primary image, uint8 [height, width, bands].

    Raises:
        ValueError: it has more pixels than `most`, or cannot be decoded.
    """
    heif = importlib.import_module("pillow_heif")
    image = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    width, height = image.size
    if height * width > most:
        raise ValueError(f"{height * width} pixels, more than max_pixels={most}")
    values = np.asarray(image)
    return values.reshape(*values.shape[:2], -1)


def answer(data: bytes, most: int) -> tuple[bytes, bytes]:
    """Return head and body of the answer to a request."""
    try:
        values = decoded(data, most)
    except Exception as error:  # the library has many
        reason = (str(error) or type(error).__name__).encode()
        return ANSWER.pack(0, 0, len(reason)), reason
    return ANSWER.pack(*values.shape), values.tobytes()


def limit_memory(most: int) -> None:
    """Let a file that asks for more memory end in an error of this process alone."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = BYTES_AT_ALL + BYTES_OF_PIXEL * most
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there is no further request."""
    limited = None
    while head := requests.read(REQUEST.size):
        size, most = REQUEST.unpack(head)
        if limited is None:
            limited = most
            limit_memory(most)
        for part in answer(requests.read(size), most):
            answers.write(part)
        answers.flush()


if __name__ == "__main__":
    with open(os.dup(1), "wb") as stdout:
        os.dup2(2, 1)  # what a library prints is no answer
        serve(sys.stdin.buffer, stdout)
