"""Where the images of a tar file lie, by its headers alone."""

import dataclasses
import os
import tarfile
from collections.abc import Iterator

from ressl_tf.data.listing import extension, image_extensions
from ressl_tf.runtime import storage

BLOCK = 512
PLAIN = (b"0", b"\0")  # kinds of members that are files
LABEL = ".cls"
LONGEST_LABEL = 4096  # bytes


@dataclasses.dataclass
class TarIndex:
    """Images of one file, in its order.

    Attributes:
        keys: names without what is behind the first dot.
        offsets: of the first byte of each image.
        lengths: of the images, in bytes.
        labels: text beside each image; empty for none.
        others: extension -> number of members that are neither.
    """

    keys: list[str] = dataclasses.field(default_factory=list)
    offsets: list[int] = dataclasses.field(default_factory=list)
    lengths: list[int] = dataclasses.field(default_factory=list)
    labels: list[str] = dataclasses.field(default_factory=list)
    others: dict[str, int] = dataclasses.field(default_factory=dict)


def index_tar(path: str) -> TarIndex:
    """Read the headers of a tar file.

    Members of one name up to its first dot belong together, `1.jpg` and `1.cls`, and
    follow one another, in any order.

    Raises:
        ValueError: it is no tar file, or is cut.
    """
    index, labels = TarIndex(), {}
    kinds = frozenset(image_extensions())
    with storage.open_binary(path, buffering=0) as file:
        for name, offset, length in _members(file, path):
            folder, base = os.path.split(name)
            key = os.path.join(folder, base.split(".")[0])
            kind = extension(name)
            if kind in kinds:
                index.keys.append(key)
                index.offsets.append(offset)
                index.lengths.append(length)
            elif kind == LABEL:
                if length > LONGEST_LABEL:
                    raise ValueError(f"{name} has {length} bytes, too many for a label")
                file.seek(offset)
                labels[key] = file.read(length).decode("utf-8", "replace").strip()
            else:
                index.others[kind] = index.others.get(kind, 0) + 1
    index.labels = [labels.get(key, "") for key in index.keys]
    return index


def _members(file, path: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and length of each file in a tar."""
    place, size = 0, storage.state(path)[0]
    while place < size:
        file.seek(place)
        head = file.read(BLOCK)
        if head.count(b"\0") == BLOCK:
            return
        if len(head) < BLOCK:
            raise ValueError("it is cut")
        if head[257:262] != b"ustar" or head[156:157] in b"xgLKS":
            yield from _by_library(path, place)  # other kinds, and long names
            return
        length = int(head[124:136].rstrip(b" \0") or b"0", 8)
        if length < 0:  # would lead back, for ever
            raise ValueError(f"it is damaged at byte {place}")
        if head[156:157] in PLAIN:
            posix = head[257:263] == b"ustar\0"
            prefix = head[345:500].split(b"\0")[0] if posix else b""
            name = os.fsdecode(head[:100].split(b"\0")[0])
            full = os.path.join(os.fsdecode(prefix), name) if prefix else name
            if place + BLOCK + length > size:
                raise ValueError("it is cut")
            yield full, place + BLOCK, length
        place += BLOCK + -(-length // BLOCK) * BLOCK
    raise ValueError("it is cut, for it has no end")


def _by_library(path: str, place: int) -> Iterator[tuple[str, int, int]]:
    """Yield the members from a place on, as the standard library reads them."""
    size = storage.state(path)[0]
    try:
        with storage.open_binary(path) as file:
            file.seek(place)
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    goes_on = member.offset >= place
                    place = member.offset_data
                    if not goes_on or not 0 <= member.size <= size - place:
                        raise ValueError(f"it is damaged at byte {member.offset}")
                    if member.isfile() and not member.issparse():
                        yield member.name, member.offset_data, member.size
                file.seek(archive.offset)  # where the library saw an end, right or not
                if file.read(BLOCK).strip(b"\0"):
                    raise ValueError(f"it is damaged at byte {archive.offset}")
    except tarfile.TarError as error:
        raise ValueError(str(error)) from None
