"""Test images that are training images, too: a figure of them says little."""

import functools
import logging
import os

from ressl_tf.data.sources import MemorySource, Source, StreamSource

log = logging.getLogger("ressl_tf")


def warn_of_same_files(train: Source, test: Source) -> None:
    """Warn if files of the test split are files of the training split.

    By their paths, links followed; copies of a file are not noticed.

    Args:
        train: the images that are learned from.
        test: the images that are judged.
    """
    known, asked = set(_files(train)), _files(test)
    shared = [path for path in asked if path in known]
    if shared:
        log.warning(
            "%d of %d test images are training images, too (%s): the figure says "
            "little of new ones",
            *(len(shared), len(asked), shared[0]),
        )


def _files(source: Source) -> list[str]:
    """Return the files of the images, links followed; none where they have no paths."""
    names = _names(source)
    followed = functools.cache(os.path.realpath)  # a folder holds many
    return [
        os.path.realpath(name)
        if os.path.islink(name)
        else os.path.join(followed(folder), file)
        for name, (folder, file) in zip(names, map(os.path.split, names), strict=True)
    ]


def _names(source: Source) -> list[str]:
    if isinstance(source, StreamSource):
        files = getattr(source.encoded, "original", source.encoded)  # of a cache
        paths = getattr(files, "paths", [])
        return [paths[row] for row in source.rows.numpy()] if len(paths) else []
    if isinstance(source, MemorySource) and source.names is not None:
        names = [source.names(row) for row in range(source.size)]
        return [name for name in names if os.path.isabs(name)]
    return []
