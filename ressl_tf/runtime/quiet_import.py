"""Load TensorFlow, or convert, without the notes that its C++ library prints."""

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

# "I0000 00:00:1795692811.499551   27798 port.cc:153] oneDNN ...": notes and warnings;
# errors say that there is no GPU. What goes on over lines begins with a word of theirs.
NOTE = re.compile(
    rb"[IWE]\d{4} [\d:.]+ +\d+ .*\] "
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions"
    rb"|INFO: Created TensorFlow Lite|fully_quantize: "
)


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Leave out what TensorFlow's C++ library notes on stderr meanwhile.

    It bypasses Python and its log levels, so the file descriptor itself is redirected.
    Other lines are shown at the end, and all of them when the body fails.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            written.seek(0)
            for line in written:
                if failed or not NOTE.match(line):
                    os.write(stderr, line)
            os.close(stderr)


def tensorflow() -> Any:
    """Import TensorFlow quietly, and return it: no GPU is no error worth a line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_notes():
        return importlib.import_module("tensorflow")
