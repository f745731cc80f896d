"""Flags that pretraining and judging share, each made anew for the class it is in."""

from ressl_tf.flags import option


def checkpoint_every_steps() -> int:
    """`--checkpoint_every_steps`."""
    return option(
        0,
        "Save a checkpoint every so many steps, besides at the end of every epoch. Too "
        "low: time goes into saving. 0: never in between. The result is the same.",
        low=0,
        free=True,
    )


def checkpoint_every_minutes() -> float:
    """`--checkpoint_every_minutes`."""
    return option(
        30.0,
        "Save one, too, when the last is so many minutes old: what a crash costs at "
        "most. 0: never in between. SIGTERM and SIGINT save and end the run.",
        low=0.0,
        free=True,
    )
