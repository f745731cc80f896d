"""How the bytes of an image become pixels: size, orientation, range."""

import dataclasses

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

MAX_PIXELS = 100_000_000  # 300 MB decoded
RGB = 3  # channels of an image
EXIF = ("apply", "ignore")
RANGES = ("auto", "dtype", "percentiles")
PIXELS = ("auto", "uint8", "float32")


@dataclasses.dataclass(frozen=True)
class Decoding:
    """What is asked of every decoder.

    Attributes:
        max_pixels: an image of more, by its header, is unreadable.
        exif: "apply" turns photos upright, "ignore" leaves them as they are stored.
        value_range: what of 16-bit and float images becomes 0 to 255: "auto", "dtype",
            "percentiles" or "lo,hi"; see `value_range`.
        channels: 3 for RGB, 1 for grey; of others, those of the files.
        pixels: type of the decoded numbers, on 0..255 in both: "uint8" rounds 16 bits
            and floats, "float32" does not; "auto" until a set says which it needs.

    Raises:
        UsageError: an unknown word, or a range that is none.
    """

    max_pixels: int = MAX_PIXELS
    exif: str = "apply"
    value_range: str = "auto"
    channels: int = RGB
    pixels: str = "uint8"

    def __post_init__(self):
        if self.exif not in EXIF:
            raise UsageError(f"exif is {', '.join(EXIF)}. Received: {self.exif!r}")
        if self.pixels not in PIXELS:
            raise UsageError(
                f"pixels is {', '.join(PIXELS)}. Received: {self.pixels!r}"
            )
        bounds(self.value_range)

    @property
    def dtype(self) -> str:
        """The type of decoded images."""
        return "float32" if self.pixels == "float32" else "uint8"


def as_decoding(
    exif: str,
    value_range: str,
    max_pixels: int = MAX_PIXELS,
    channels: int = RGB,
    pixels: str = "uint8",
) -> Decoding:
    """Return what flags ask for; EXIF that is "auto" is applied."""
    turned = "apply" if exif == "auto" else exif
    return Decoding(max_pixels, turned, value_range, channels, pixels)


def bounds(value_range: str) -> tuple[float, float] | None:
    """Return the two numbers of "lo,hi"; None for one of the words.

    Raises:
        UsageError: it is neither.
    """
    if value_range in RANGES:
        return None
    try:
        low, high = map(float, value_range.split(","))
        if low < high and abs(low) + abs(high) < float("inf"):
            return low, high
    except ValueError:
        pass
    raise UsageError(
        f"--value_range is {', '.join(RANGES)}, or two rising numbers such as 0,4095. "
        f"Received: {value_range}"
    )


def max_pixels() -> int:
    """Declare `--max_pixels`."""
    return option(
        MAX_PIXELS,
        "Most pixels of an image, by its header; a larger one is unreadable: decoding "
        "it might take all memory. Too low: large photos are refused.",
        low=1,
    )


def exif() -> str:
    """Declare `--exif` of training."""
    return option(
        "apply",
        "apply turns photos upright, as the EXIF orientation of cameras and phones "
        "says; ignore leaves them as they are stored. The papers' sets have none.",
        choices=EXIF,
    )


def value_range() -> str:
    """Declare `--value_range` of training."""
    return option(
        "auto",
        "Values of 16-bit and float images that become 0 and 255; what is beyond is "
        "cut. auto: the range of the type, 0 to 65535, or 0 to 1 of floats, or what a "
        "DICOM file says of itself; sets that use less than half of 16 bits are "
        "refused. dtype: that range, however dark. percentiles: of each image its own, "
        "0.5 and 99.5. Or two numbers: 0,4095 (12 bits in 16).",
    )


def pixels() -> str:
    """Declare `--pixels` of training."""
    return option(
        "auto",
        "Numbers of decoded images, on 0..255. float32 keeps what 16-bit and float "
        "images have beyond 8 bits, in four times the memory and cache; uint8 rounds "
        "it. auto: float32 where the set has such images, uint8 elsewhere.",
        choices=PIXELS,
    )


def pixels_of_encoder() -> str:
    """Declare `--pixels` of a command that opens a trained encoder."""
    return option(
        "auto",
        "Numbers of decoded images, on 0..255: float32, uint8, or auto, as in its "
        "training (uint8 where that is not known).",
        choices=PIXELS,
    )


def exif_of_encoder() -> str:
    """Declare `--exif` of a command that opens a trained encoder."""
    return option(
        "auto",
        "EXIF orientation of photos: apply, ignore, or auto, as in its training.",
        choices=("auto", *EXIF),
    )


def value_range_of_encoder() -> str:
    """Declare `--value_range` of a command that opens a trained encoder."""
    return option(
        "auto",
        "Values of 16-bit and float images that become 0 and 255, as in ressl_tf.train."
        " auto: as in its training.",
    )
