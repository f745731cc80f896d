"""Photos in several folders and files, as a list names them."""

import json
import os

from ressl_tf.data.joined import Joined
from ressl_tf.runtime import storage
from ressl_tf.runtime.errors import UsageError


class FileList(Joined):
    """Encoded images of several folders and files, in the order of the list.

    Args:
        path: of a JSON file, an array of paths; relative ones begin at its folder.
        split: as of `Joined`.
        skip_unlisted: as of `Joined`.
        labels: as of `Joined`.

    Raises:
        UsageError: the list cannot be read, or names what is not there.
    """

    def __init__(
        self, path: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
    ):
        entries = _entries(path)
        super().__init__(f"files:{path}", entries, split, skip_unlisted, labels)


def _entries(path: str) -> list[str]:
    try:
        entries = json.loads(storage.read_bytes(path))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--dataset=files: is a JSON array of paths. Received: {path} ({error})"
        ) from None
    texts = isinstance(entries, list) and all(isinstance(e, str) for e in entries)
    if not texts or not entries:
        raise UsageError(f"--dataset=files: is a JSON array of paths. Received: {path}")
    return [storage.join(os.path.dirname(path), entry) for entry in entries]
