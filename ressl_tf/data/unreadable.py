"""Errors about images that cannot be read, which name the file and what to do."""

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from ressl_tf.data.sources import Source
from ressl_tf.runtime.errors import RunError
from ressl_tf.runtime.file_names import printable


@contextlib.contextmanager
def bad_images_as_run_errors() -> Iterator[None]:
    """Turn the error that a batch of `data.pipeline` ends with into its `RunError`.

    tf.data wraps what its functions raise in an error of its own, traceback included.
    """
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"RunError: (.*)", error.message)
        if not found:
            raise
        raise RunError(found[1]) from None


def unreadable(name: str, reason: str, count: str = "") -> RunError:
    """Make the error about an unreadable image, which says what to do about it."""
    return RunError(
        f"Cannot read image {printable(name)}: {reason}{count}; remove it, or leave "
        "such images out with --on_bad_image=skip"
    )


def reason_unreadable(source: Source, row: int) -> str:
    """Say in one line why an image could not be read a moment ago."""
    return source.why_unreadable(row) or "it failed, but not a second time"


def unreadable_example(source: Source, row: int) -> RunError:
    """Make the error about an image of a source that could not be read."""
    return unreadable(source.example_name(row), reason_unreadable(source, row))
