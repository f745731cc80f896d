"""What an HDF5 file of weights says of itself, before its numbers are read."""

import importlib
from typing import IO, Any

from ressl_tf.runtime import archives


def check(file: IO[bytes]) -> None:
    """Refuse links, which may lead to other files, and numbers beyond the memory.

    Args:
        file: opened; only its headers are read.

    Raises:
        ValueError: says what is wrong.
        OSError: it is no HDF5 file.
    """
    h5py = importlib.import_module("h5py")
    size, seen = 0, set()
    with h5py.File(file, "r") as opened:
        left = [opened]
        while left:
            group = left.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"its weights have a link, {name!r}")
                found = group[name]
                if (place := h5py.h5o.get_info(found.id).addr) in seen:
                    continue  # a second name, which may be that of a group above
                seen.add(place)
                if isinstance(found, h5py.Group):
                    left.append(found)
                else:
                    size += _bytes_of(found)
    archives.check_size(size)


def _bytes_of(dataset: Any) -> int:
    if getattr(dataset, "external", None) or getattr(dataset, "is_virtual", False):
        raise ValueError(f"its weights lie in another file, {dataset.name!r}")
    return int(getattr(dataset, "nbytes", 0))
