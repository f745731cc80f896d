"""The same steps of a soak without a kill."""

import hashlib
import pathlib
import signal
from typing import Any

import numpy as np
from killed_run import KilledRun


def compare(broken: KilledRun, folder: pathlib.Path) -> dict[str, Any]:
    """Train to the last step that the broken run has saved, and compare the arrays."""
    saved = newest(broken.folder)
    step = int(saved.stem.removeprefix("step-"))
    flags = [*broken.flags, f"--max_steps={step}"]
    whole = KilledRun(folder, flags, lambda row: None, broken.every)
    status = whole.live(float("inf"), signal.SIGTERM).status
    ours, theirs = sha256(saved), status == 0 and sha256(newest(folder))
    return {"sha256": ours, "steps": step, "same_as_unbroken": ours == theirs}


def newest(folder: pathlib.Path) -> pathlib.Path:
    """Return a run's last checkpoint."""
    return max((folder / "checkpoints").glob("step-*.npz"))


def sha256(checkpoint: pathlib.Path) -> str:
    """Return the hash of all arrays of a checkpoint, which has the optimizer's too."""
    digest = hashlib.sha256()
    with np.load(checkpoint) as arrays:
        for name in sorted(arrays.files):
            digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()
