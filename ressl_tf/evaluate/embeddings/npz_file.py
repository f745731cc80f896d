"""Features in NumPy's .npz: written as a stream, read without loading them.

`numpy.load` opens the file. The features lie uncompressed, so that they are mapped
into memory where they are; names are compressed.
"""

import json
import pathlib
import zipfile
from typing import Any

import numpy as np

from ressl_tf.evaluate.embeddings.table import Table
from ressl_tf.runtime import archives

NAMES_AT_A_TIME = 65536
LOCAL_HEADER = 30  # bytes of a zip entry's header before its name
OLDEST = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is written


def write(path: pathlib.Path, table: Table) -> None:
    """Write features [n, f], paths [n], labels [n], rows [n], label_names and about.

    Args:
        path: of the file.
        table: what is written; memory holds one block of it.
    """
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        with _entry(archive, "features", zipfile.ZIP_STORED) as file:
            _write_header(file, table.dtype, table.shape)
            for _, _, block in table:
                file.write(np.ascontiguousarray(block, table.dtype).data)
        with _entry(archive, "paths") as file:
            _write_names(file, table)
        _write_whole(archive, "labels", table.labels)
        _write_whole(archive, "rows", table.rows)
        _write_whole(archive, "label_names", np.array(table.label_names, np.str_))
        _write_whole(archive, "about", np.array(json.dumps(table.about)))


def _entry(archive, name, compression=zipfile.ZIP_DEFLATED):
    info = zipfile.ZipInfo(f"{name}.npy", OLDEST)
    info.compress_type = compression
    return archive.open(info, "w", force_zip64=True)


def _write_header(file, dtype, shape) -> None:
    described = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": described, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_names(file, table: Table) -> None:
    """Write the names as one array of text, whose width is that of the longest."""
    starts = range(0, len(table.rows), NAMES_AT_A_TIME)
    blocks = ((s, s + NAMES_AT_A_TIME) for s in starts)
    longest = max(max(map(len, table.names(*block))) for block in blocks)
    _write_header(file, np.dtype(f"U{longest}"), (len(table.rows),))
    for start in starts:
        names = table.names(start, start + NAMES_AT_A_TIME)
        file.write(np.array(names, f"U{longest}").tobytes())


def _write_whole(archive, name, array) -> None:
    with _entry(archive, name) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def read(path: pathlib.Path) -> dict[str, Any]:
    """Read a file of `write`, or one with `features` [n, f] that others wrote.

    Returns:
        Its arrays, those of `write` that are there; the features are mapped from the
        disk where they lie uncompressed.

    Raises:
        ValueError, OSError, KeyError: it is no such file.
    """
    mapped = _mapped(path, "features.npy")
    without = () if mapped is None else ("features",)
    found: dict[str, Any] = archives.read_arrays(path, without=without)
    return found if mapped is None else {**found, "features": mapped}


def _mapped(path: pathlib.Path, entry: str) -> np.ndarray | None:
    """Map an array of a zip file; None where it is compressed."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(entry)
    if info.compress_type != zipfile.ZIP_STORED:
        return None
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER)
        name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
        start = info.header_offset + LOCAL_HEADER + name + extra
        file.seek(start)
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            return None
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        if fortran or dtype.hasobject or 0 in shape:
            return None
        return np.memmap(path, dtype, "r", file.tell(), shape)
