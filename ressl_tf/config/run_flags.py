"""Flags that pretraining and judging share, each made anew for the class it is in."""

from ressl_tf.runtime.flags import option

MAX_PIXELS = 100_000_000  # 300 MB decoded
CACHES = ("auto", "memory", "disk", "none")


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


def on_nan() -> str:
    """`--on_nan`."""
    return option(
        "stop",
        "A step after which a weight or the loss is NaN or infinite: stop names it; "
        "skip takes it back (weights, batch statistics, target, queue and optimizer "
        "are as before it), counts it and goes on with the next.",
        choices=("stop", "skip"),
        free=True,
    )


def max_nan_steps() -> int:
    """`--max_nan_steps`."""
    return option(
        10, "So many skipped steps in a row end the run all the same.", low=1, free=True
    )


def max_pixels() -> int:
    """`--max_pixels`."""
    return option(
        MAX_PIXELS,
        "An image of more pixels, by its header, is unreadable: decoding it might take "
        "all memory. Too low: large photos are refused.",
        low=1,
    )


def cache() -> str:
    """`--cache`."""
    return option(
        "auto",
        "Where decoded images are kept. auto: in memory, if all are of one size and "
        "take less than 2 GiB, else nowhere. memory: so, or an error. none: nowhere; "
        "each is decoded when it is used (a JPEG of 500 x 375: 0.8 ms of a core). "
        "disk: in --cache_dir, 5 to 10 times the bytes of JPEGs, each decoded once; to "
        "read one takes about a third of that. It pays for large sets whose steps wait "
        "for input, on a quick disk. The views are the same everywhere, to rounding.",
        choices=CACHES,
    )


def cache_beside(cache: str) -> str:
    """`--cache` of a split that is read beside the one that a run learns from.

    Memory is demanded of that one alone.
    """
    return "auto" if cache == "memory" else cache


def cache_dir() -> str:
    """`--cache_dir`."""
    return option(
        "",
        "Folder of --cache=disk, for any number of sets; what is in it may be deleted "
        "when no run reads it. Empty: ressl_tf in $XDG_CACHE_HOME or ~/.cache.",
        free=True,
    )
