"""Formats that TensorFlow does not decode: their names, first bytes and libraries."""

import dataclasses
import importlib.util

EXTRA = "pip install 'ressl_tf[formats]'"


@dataclasses.dataclass(frozen=True)
class LibraryFormat:
    """A format that a Python library reads.

    Attributes:
        name: for messages.
        reader: module of `ressl_tf.data.formats` with `read(data, decoding)`.
        library: that it imports; empty for NumPy.
        extensions: of files' names, in lower case.
        starts: (place, bytes): where any of these stand, a file is of this format.
    """

    name: str
    reader: str
    library: str
    extensions: tuple[str, ...]
    starts: tuple[tuple[int, bytes], ...]

    @property
    def available(self) -> bool:
        """Whether its library is installed."""
        return not self.library or importlib.util.find_spec(self.library) is not None


BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
NPY = ".npy"
FORMATS = (
    LibraryFormat(
        *("TIFF", "tiff", "tifffile", (".tif", ".tiff")),
        ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+")),
    ),
    LibraryFormat(
        *("HEIC", "heic", "pillow_heif", (".heic", ".heif", ".hif")),
        tuple((4, b"ftyp" + brand) for brand in BRANDS),
    ),
    LibraryFormat(
        *("DICOM", "dicom", "pydicom", (".dcm", ".dicom")), ((128, b"DICM"),)
    ),
    LibraryFormat("NumPy array", "numpy_array", "", (NPY,), ((0, b"\x93NUMPY"),)),
)
HEAD = 132  # bytes that tell all of them


def format_of(data: bytes) -> LibraryFormat | None:
    """Return the format of a file's bytes; None where it is none of these."""
    for each in FORMATS:
        if any(data.startswith(start, place) for place, start in each.starts):
            return each
    return None


def extensions() -> tuple[str, ...]:
    """Return the extensions of images that installed libraries read, without NumPy's.

    An array is no image by its name alone.
    """
    found = (each.extensions for each in FORMATS if each.library and each.available)
    return tuple(extension for some in found for extension in some)


def missing() -> dict[str, str]:
    """Return extension -> library of the formats whose library is not installed."""
    absent = [each for each in FORMATS if not each.available]
    return {end: each.library for each in absent for end in each.extensions}
