"""How a process of several workers ends: by its own status, at once.

TensorFlow's own end waits for the workers that are lost, or ends the process by a
status of its own (255).
"""

import os
import sys

_of_several = False


def among_workers() -> None:
    """Note that this process is one of several workers."""
    global _of_several  # of the process, as TensorFlow's connections are
    _of_several = True


def by(status: int) -> int:
    """Return the exit status, or end by it where a worker has failed or was stopped."""
    if status and _of_several:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
