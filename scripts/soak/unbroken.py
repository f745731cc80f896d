"""The same steps of a soak without a kill."""

import hashlib
import pathlib
import signal
from typing import Any

import numpy as np
from killed_run import KilledRun


def compare(broken: KilledRun, folder: pathlib.Path) -> dict[str, Any]:
    """Train to the last step that the broken run has saved, and compare the arrays.

    Where every process was killed before it saved one there is nothing to compare.
    """
    saved = newest(broken.folder)
    if saved is None:
        return {"sha256": None, "steps": 0, "same_as_unbroken": None}
    step = int(saved.stem.removeprefix("step-"))
    flags = [*broken.flags, f"--max_steps={step}"]
    whole = KilledRun(folder, flags, lambda row: None, broken.every)
    status = whole.live(float("inf"), signal.SIGTERM).status
    ended = newest(folder) if status == 0 else None
    same = ended is not None and sha256(ended) == sha256(saved)
    return {"sha256": sha256(saved), "steps": step, "same_as_unbroken": same}


def newest(folder: pathlib.Path) -> pathlib.Path | None:
    """Return a run's last checkpoint; None where it has none."""
    return max((folder / "checkpoints").glob("step-*.npz"), default=None)


def sha256(checkpoint: pathlib.Path) -> str:
    """Return the hash of all arrays of a checkpoint, which has the optimizer's too."""
    digest = hashlib.sha256()
    with np.load(checkpoint) as arrays:
        for name in sorted(arrays.files):
            digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()
