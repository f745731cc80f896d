"""What the first bytes of an image say, as rows: its format, its sides, how it is read.

A table is looked up by three operations, where conditions would be hundreds of them:
TensorFlow optimises the graph of a decoder each time that a pipeline takes it.
"""

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np

from ressl_tf.data import library_formats
from ressl_tf.data.jxl_header import CODESTREAM, CONTAINER
from ressl_tf.data.library_formats import HEAD

JPEG = b"\xff\xd8\xff"
FORMATS = "JPEG, PNG, WebP, BMP, GIF or JPEG XL"
DEEP_PNG = ((0, b"\x89PNG"), (24, b"\x10"))  # 16 bits a channel
PADDED = b"\x20\0"  # 32 bits a pixel
USUAL_MASKS = b"\0\0\xff\0\0\xff\0\0\xff\0\0\0"  # of a BMP of four bytes a pixel


class Reader(enum.IntEnum):
    """Who decodes a format, in the order of `decode`'s branches."""

    NONE = 0
    JPEG = 1
    PLAIN = 2
    OWN_CHANNELS = 3
    DEEP_PNG = 4
    PALETTE_BMP = 5
    ALPHA_BMP = 6
    PNG = 7
    GIF = 8
    LIBRARY = 9


class Exif(enum.IntEnum):
    """Where a format keeps its orientation, in the order of the branches there."""

    NONE = 0
    JPEG = 1
    PNG = 2
    WEBP = 3


class Sides(enum.IntEnum):
    """Who reads the sides, in the order of the branches of `headers`."""

    TABLE = 0
    JPEG = 1
    JXL = 2


@dataclasses.dataclass(frozen=True)
class Side:
    """Where a side is written: bytes, and of these some bits.

    Attributes:
        place: of the first byte.
        size: bytes.
        order: as in `int.from_bytes`.
        shift: bits below those of the side.
        bits: of the side.
        plus: is added.
    """

    place: int
    size: int
    order: str = "little"
    shift: int = 0
    bits: int = 32
    plus: int = 0

    def weights(self) -> np.ndarray:
        """Return the factor of each byte of the header, int64 [HEAD]."""
        powers = 256 ** np.arange(self.size, dtype=np.int64)
        found = np.zeros(HEAD, np.int64)
        found[self.place : self.place + self.size] = (
            powers[::-1] if self.order == "big" else powers
        )
        return found


Starts = tuple[tuple[int, bytes], ...]
Masked = tuple[tuple[int, int, int], ...]
NOWHERE = (Side(0, 0), Side(0, 0))


@dataclasses.dataclass(frozen=True)
class Row:
    """A format, or one of its kinds.

    Attributes:
        starts: (place, bytes), all of which stand there.
        reader: who decodes it.
        sides: where height and width stand.
        read_by: who reads them.
        exif: where the orientation is.
        refusal: why it is not read; empty for what is.
        masked: (place, mask, value): of the mask's bits, those of the value are set.
    """

    starts: Starts
    reader: Reader = Reader.NONE
    sides: tuple[Side, Side] = NOWHERE
    read_by: Sides = Sides.TABLE
    exif: Exif = Exif.NONE
    refusal: str = ""
    masked: Masked = ()


def _png(start: Starts, reader: Reader) -> Row:
    return Row(start, reader, (Side(20, 4, "big"), Side(16, 4, "big")), exif=Exif.PNG)


def _webp(kind: Starts, height: Side, width: Side) -> Row:
    starts = ((0, b"RIFF"), (8, b"WEBP"), *kind)
    return Row(starts, Reader.OWN_CHANNELS, (height, width), exif=Exif.WEBP)


def _bmp(kind: Starts, reader: Reader) -> Row:
    return Row(((0, b"BM"), *kind), reader, (Side(22, 4), Side(18, 4)))


def _moving(*kind: tuple[int, bytes], masked: Masked = ()) -> Row:
    """Refuse a WebP that TensorFlow crashes at."""
    starts = ((0, b"RIFF"), *kind)
    why = "an animated WebP, of which no frame is read"
    return Row(starts, masked=masked, refusal=why)


def _unread_bmp(kind: Starts = (), masked: Masked = ()) -> Row:
    why = "a BMP that is compressed, or not of 8, 24 or 32 bits a pixel"
    return Row(((0, b"BM"), *kind), masked=masked, refusal=why)


VP8X = (12, b"VP8X")
UNPACKED, WITH_MASKS = (30, bytes(4)), (30, b"\3\0\0\0")
ROWS = (  # the first that fits
    Row(((0, JPEG),), Reader.JPEG, read_by=Sides.JPEG, exif=Exif.JPEG),
    _png(DEEP_PNG, Reader.DEEP_PNG),
    _png(DEEP_PNG[:1], Reader.PNG),
    Row(((0, b"GIF8"),), Reader.GIF, (Side(8, 2), Side(6, 2))),
    _moving((12, b"ANIM")),
    _moving((30, b"ANIM")),
    _moving(VP8X, masked=((20, 0x02, 0x02),)),
    _webp((VP8X,), Side(27, 3, plus=1), Side(24, 3, plus=1)),
    _webp(
        ((12, b"VP8L"),),
        Side(21, 4, shift=14, bits=14, plus=1),
        Side(21, 4, bits=14, plus=1),
    ),
    _webp((), Side(28, 2, bits=14), Side(26, 2, bits=14)),
    _unread_bmp(((15, bytes(3)),), ((14, 0xE0, 0x00),)),  # a head of under 32 bytes
    _unread_bmp(((15, bytes(3)),), ((14, 0xF8, 0x20),)),  # or of 32 to 39
    _bmp(((28, b"\x08\0"), UNPACKED), Reader.PALETTE_BMP),
    _bmp(((28, b"\x18\0"), UNPACKED), Reader.PLAIN),
    _bmp(((28, PADDED), UNPACKED), Reader.ALPHA_BMP),
    _bmp(((28, PADDED), WITH_MASKS, (54, USUAL_MASKS)), Reader.ALPHA_BMP),
    _unread_bmp(),
    Row(((0, CODESTREAM),), Reader.OWN_CHANNELS, read_by=Sides.JXL),
    Row(((0, CONTAINER),), Reader.OWN_CHANNELS, read_by=Sides.JXL),
)
UNKNOWN = Row((), refusal=f"its bytes are no {FORMATS}")


def rows(libraries: bool) -> Sequence[Row]:
    """List the formats, the first that fits first.

    Args:
        libraries: whether those that Python reads are among them.
    """
    of_libraries = (
        Row((start,), Reader.LIBRARY)
        for each in library_formats.FORMATS
        for start in each.starts
    )
    jpeg, *others = ROWS
    return (jpeg, *(of_libraries if libraries else ()), *others, UNKNOWN)


def patterns(table: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return which bits count and what they are, uint8 [rows, HEAD] each."""
    masks, values = np.zeros((2, len(table), HEAD), np.uint8)
    for index, row in enumerate(table):
        for place, start in row.starts:
            masks[index, place : place + len(start)] = 255
            values[index, place : place + len(start)] = list(start)
        for place, mask, value in row.masked:
            masks[index, place], values[index, place] = mask, value
    return masks, values
