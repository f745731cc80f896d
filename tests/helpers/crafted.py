"""Images that were made against decoders: few bytes that promise or hide much."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import tensorflow as tf

from helpers.photos import flat, png

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)


def saved(image, kind, **options):
    """Return the bytes of an image by Pillow."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(kind, **options):
    return saved(PIL.Image.fromarray(PIXELS), kind, **options)


def jpeg_of_scans(side, count):
    """Return a progressive JPEG whose last scan, of no news, is there once more."""
    data = saved(PIL.Image.new("L", (side, side)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    tables = data[data.rindex(b"\xff\xc4") : data.rindex(b"\xff\xda")]
    return data[:-2] + tables + scan * count + data[-2:]


def jpeg_of_sides(height, width):
    """Return a JPEG of 8 x 8 whose frame says other sides."""
    data = tf.io.encode_jpeg(flat(1)).numpy()
    start = data.index(b"\xff\xc0") + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


def png_of_texts(count, size=7_900_000):
    """Return a PNG with texts of zeros beside its pixels, packed to a thousandth."""
    text = b"a\0\0" + zlib.compress(bytes(size), 9)
    return png(1, 1, 8, 2, [bytes(3)], *[(b"zTXt", text)] * count)


def png_of_sides(height, width):
    """Return a PNG of one pixel whose header says other sides."""
    data = png(1, 1, 8, 2, [bytes(3)])
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def png_of_profile():
    """Return a PNG with a colour profile of 300 MB of zeros."""
    profile = b"a\0\0" + zlib.compress(bytes(300_000_000), 9)
    return png(1, 1, 8, 2, [bytes(3)], (b"iCCP", profile))


def black_lzw(count):
    """Return a GIF's blocks of `count` pixels of colour 0, a byte for 2,000."""
    bits, size, entries, run, left = [(4, 3)], 3, 6, 1, count
    while left:
        length = min(run, left)
        bits.append((0 if length == 1 else 4 + length, size))
        left -= length
        entries += run > 1
        run += 1
        if entries == 2**size and size < 12:
            size += 1
        if entries == 4094:
            bits.append((4, size))
            size, entries, run = 3, 6, 1
    data, number, place = bytearray(), 0, 0
    for code, width in [*bits, (5, size), (0, 7)]:
        number |= code << place
        place += width
        while place >= 8:
            data.append(number & 255)
            number, place = number >> 8, place - 8
    blocks = (data[i : i + 255] for i in range(0, len(data), 255))
    return b"\2" + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"


def gif(screen, frame, count=1):
    """Return a GIF whose frames have other sides than its screen."""
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0xF0, 0, 0) + bytes(6)
    one = b"," + struct.pack("<HHHHB", 0, 0, frame, frame, 0) + black_lzw(frame**2)
    return head + one * count + b";"


def corpus():
    """Return name -> bytes of images of which none may take long, or much memory."""
    broken = bytearray(photo("PNG"))
    broken[60] ^= 255
    noise = np.random.default_rng(0).integers(0, 256, (200, 64, 64), np.uint8)
    moving = [PIL.Image.fromarray(frame) for frame in noise]
    sides = (0, 65_500, 65_535)
    return {
        "jpeg of 20,000 scans": jpeg_of_scans(1500, 20_000),
        **{f"jpeg {h} x {w}": jpeg_of_sides(h, w) for h in sides for w in (0, 65_535)},
        **{f"png {s} x {s}": png_of_sides(s, s) for s in (0, 65_535, 2**31 - 1)},
        "png of texts": png_of_texts(800),
        "png of a profile": png_of_profile(),
        "png of a wrong checksum": bytes(broken),
        "gif of a large frame": gif(10, 10_500),
        "gif of many large frames": gif(3_000, 3_000, 200),
        "gif of blocks of one byte": b"GIF89a" + bytes(7) + b"!\xfe" + b"\1a" * 2**21,
        "moving gif": saved(moving[0], "GIF", save_all=True, append_images=moving[1:]),
        "webp cut": photo("WEBP")[:-9],
        "jpeg cut": photo("JPEG")[:-99],
        "nothing": b"",
    }
