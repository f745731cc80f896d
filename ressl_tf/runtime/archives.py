"""Zip files of arrays, measured by what they declare before anything is unpacked."""

import math
import os
import pathlib
import zipfile
from collections.abc import Collection, Iterable

import numpy as np

from ressl_tf.runtime.host import physical_memory

SHARE = 2  # of the memory, half may be filled
UNKNOWN_MEMORY = 8 * 2**30  # bytes, where the system does not say
ARRAY = ".npy"
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class ObjectsError(ValueError):
    """An array of Python objects, which only a pickle can hold."""


def check(members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse members that would fill the memory, or that leave the folder.

    A zip may declare a thousand times its bytes and more. Python reads no byte beyond
    what is declared, so that this is a limit.

    Args:
        members: that are going to be read.

    Raises:
        ValueError: says which.
    """
    members = list(members)
    check_size(sum(member.file_size for member in members))
    for member in members:
        path = pathlib.PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"a member leaves the folder: {member.filename!r}")


def check_size(size: int) -> None:
    """Refuse what declares more bytes than half of the memory.

    Raises:
        ValueError: it does.
    """
    most = (physical_memory() or UNKNOWN_MEMORY) // SHARE
    if size > most:
        raise ValueError(
            f"it declares {size / 1e9:.1f} GB, more than half of the memory here"
        )


def read_arrays(
    path: str | os.PathLike[str],
    names: Collection[str] = (),
    without: Collection[str] = (),
    objects: str = "refuse",
) -> dict[str, np.ndarray]:
    """Read the arrays of an `.npz` file. Nothing is unpickled.

    Args:
        path: of the file.
        names: of the arrays to read, where they are there; empty for all.
        without: names of arrays to leave.
        objects: "leave" reads the others beside arrays of Python objects.

    Raises:
        OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError: it is no such
            file, damaged, or would fill the memory.
    """
    found = {}
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        members = {
            member.filename.removesuffix(ARRAY): member
            for member in archive.infolist()
            if member.filename.endswith(ARRAY)
        }
        wanted = (set(members) & set(names or members)) - set(without)
        check(members[name] for name in wanted)
        for name in filter(wanted.__contains__, members):
            try:
                found[name] = _read(archive, members[name])
            except ObjectsError:
                if objects != "leave":
                    raise
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """Read an array, whose header may not promise more than the member holds."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"{member.filename} is of a later version of NumPy")
        shape, _, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise ObjectsError(f"{member.filename} holds Python objects, which are not run")
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError(f"{member.filename} declares more than it holds: {shape}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
