"""Flags of checkpoints, non-finite steps and progress, made anew for each class."""

from ressl_tf.runtime.flags import option


def checkpoint_every_steps() -> int:
    """Declare `--checkpoint_every_steps`."""
    return option(
        0,
        "Steps between two checkpoints, besides at the end of every epoch. Too "
        "low: time goes into saving. 0: never in between. The result is the same.",
        low=0,
        free=True,
    )


def checkpoint_every_minutes() -> float:
    """Declare `--checkpoint_every_minutes`."""
    return option(
        30.0,
        "Minutes between two checkpoints, at most: what a crash costs at "
        "most. 0: never in between. SIGTERM, SIGUSR1 and SIGINT save and end the run.",
        low=0.0,
        free=True,
    )


def grace_seconds() -> float:
    """Declare `--grace_seconds`."""
    return option(
        0.0,
        "Seconds after SIGTERM or SIGUSR1 within which the process has ended: if the "
        "step at work and its checkpoint take longer, it ends without them and names "
        "the last checkpoint. Give a little less than the scheduler gives. 0: as long "
        "as they take.",
        low=0.0,
        free=True,
    )


def on_nan() -> str:
    """Declare `--on_nan`."""
    return option(
        "stop",
        "Action after a step that leaves a weight or the loss NaN or infinite: stop "
        "names it; skip restores what it changed (weights, batch statistics, target, "
        "queue, optimizer), counts it and goes on with the next.",
        choices=("stop", "skip"),
        free=True,
    )


def max_nan_steps() -> int:
    """Declare `--max_nan_steps`."""
    return option(
        10,
        "Number of skipped steps in a row that end the run all the same.",
        low=1,
        free=True,
    )


def log_seconds() -> float:
    """Declare `--log_seconds`."""
    return option(
        30.0,
        "Seconds between two lines of progress where stderr is no terminal. Too low: a "
        "long log; 0: a line an epoch.",
        low=0.0,
        free=True,
    )
