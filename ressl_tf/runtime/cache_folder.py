"""Where caches are kept, and how small ones are written."""

import contextlib
import logging
import os
import pathlib
from collections.abc import Iterator

from ressl_tf.runtime.atomic import replacing

log = logging.getLogger("ressl_tf")


def default_folder() -> pathlib.Path:
    """Return `ressl_tf` in $XDG_CACHE_HOME, or in ~/.cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(caches, "ressl_tf").expanduser()


@contextlib.contextmanager
def keeping(path: pathlib.Path, what: str) -> Iterator[pathlib.Path]:
    """Give a temporary path, whose file becomes `path`, whole or not at all.

    Where it cannot be written a line says so, and no error: it is made anew next time.

    Args:
        path: of the file; its folder is made.
        what: is kept, for the message.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            yield temporary
    except OSError as error:
        log.info("%s is not kept: %s (%s)", what, path, error.strerror)
