"""Addresses of remote storage, such as gs://bucket/photos.

Nothing here imports TensorFlow before an address is seen: `--help` is quick.
"""

import contextlib
import importlib
import re

from ressl_tf.runtime import quiet_import

# Two letters or more: C:/ is a drive. Libraries of paths make gs:/ of gs://.
ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]+://|(abfss?|dbfs|file|ftp|gs|hdfs|https?|s3[an]?|wasbs?):/",
    re.IGNORECASE,
)
PLUGIN = "tensorflow_io"  # which brings s3://, hdfs:// and others


def is_address(path: str) -> bool:
    """Whether a path begins as addresses do."""
    return bool(ADDRESS.match(path))


def why_unknown(path: str) -> str:
    """Say why nothing behind an address can be read here; empty where it can."""
    scheme = path.partition(":")[0]
    known = _schemes()
    if scheme not in known:
        with contextlib.suppress(ImportError):
            importlib.import_module(PLUGIN)
        known = _schemes()
    if scheme not in known or not path.startswith(f"{scheme}://"):
        there = ", ".join(f"{name}://" for name in known)
        return (
            f"TensorFlow has no file system {scheme}:// here, but {there} (the package "
            "tensorflow-io brings others); mount the storage or copy it, and give the "
            "path"
        )
    return ""


def _schemes() -> list[str]:
    """List the schemes that TensorFlow reads; paths without one and file:// are not."""
    gfile = quiet_import.tensorflow().io.gfile
    return sorted({*gfile.get_registered_schemes()} - {"", "file"})
