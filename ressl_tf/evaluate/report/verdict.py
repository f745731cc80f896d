"""What a run's log says in words: is it learning, and which flag helps if not.

The thresholds are rules of this package, not of a paper. docs/report.md says which runs
they were tried on, and where they are silent.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ressl_tf.engine.callbacks import COLLAPSED_STD, UNIFORM_ENTROPY
from ressl_tf.engine.workdir import untrained_knn

Row = Mapping[str, Any]
LEARNED = 0.02  # of kNN top-1 above the untrained network
INPUT_BOUND = 0.2  # of the time is spent waiting for input
ONE_HOT = 1.5  # effective relations below which the teacher names one image


@dataclasses.dataclass(frozen=True)
class Finding:
    """A sentence about a run.

    Attributes:
        level: "good", "warning" or "bad".
        title: the verdict in a few words.
        text: the figures that it rests on.
        advice: the flag that helps; empty for none.
    """

    level: str
    title: str
    text: str
    advice: str = ""


def findings(
    rows: Sequence[Row], config: Mapping[str, Any], suggested: str = ""
) -> list[Finding]:
    """Return what there is to say of a run, what is wrong first.

    Args:
        rows: of `metrics.jsonl`.
        config: flag -> value of the flags that mean something to the method.
        suggested: a range of `--teacher_temp` that suits the images, where known.
    """
    trained = [row for row in rows if row.get("step")]
    if not trained:
        title = "not begun: no epoch is in the log"
        return [Finding("warning", title, "The curves begin after the first epoch.")]
    signals = [
        _collapse(trained, config),
        _relation(trained[-1], config, suggested),
        _input(trained),
    ]
    found = [signal for signal in signals if signal]
    broken = any(finding.level == "bad" for finding in found)
    learning = _learning(rows, trained, broken)
    return [*found, learning] if broken else [learning, *found]


def _learning(rows: Sequence[Row], trained: Sequence[Row], broken: bool) -> Finding:
    """Judge by kNN where there are labels; else say what is known."""
    measured = [row for row in trained if "knn_top1" in row]
    floor = untrained_knn(rows)
    if not measured or floor is None:
        return _without_labels(trained, broken)
    top1 = measured[-1]["knn_top1"]
    gained = top1 - floor
    text = (
        f"kNN top-1 is {top1:.1%} at epoch {measured[-1]['epoch']:g}, that of the "
        f"untrained network is {floor:.1%}."
    )
    if gained >= LEARNED and broken:
        title = f"kNN is {100 * gained:+.1f} points from the untrained network, even so"
        return Finding("warning", title, text)
    if gained >= LEARNED:
        return Finding("good", f"learning: {100 * gained:+.1f} points of kNN", text)
    if len(trained) < 3:
        return Finding("warning", "too early to say", text)
    return Finding(
        "warning",
        "not better than the untrained network",
        text,
        "stronger or other colours (--color_jitter, --grayscale_prob), more --epochs, "
        "a lower --teacher_temp",
    )


def _without_labels(trained: Sequence[Row], broken: bool) -> Finding:
    first, last = trained[0].get("loss"), trained[-1].get("loss")
    text = "There is no kNN top-1 to judge by, before the first step and after"
    if first is not None and last is not None:
        text += f"; the loss went from {first:.4g} to {last:.4g} nats"
    title = "no labels to judge by" if broken else "no sign of a collapse"
    return Finding("warning" if broken else "good", title, text + ".")


def _collapse(trained: Sequence[Row], config: Mapping[str, Any]) -> Finding | None:
    """Find the epoch from which on the embeddings are one point."""
    dim = config.get("embedding_dim") or (config.get("gcn_layers") or [0])[-1]
    shares = [
        (row["epoch"], row["embedding_std"] * math.sqrt(dim))
        for row in trained
        if dim and row.get("embedding_std") is not None
    ]
    since = None
    for epoch, share in reversed(shares):
        if share >= COLLAPSED_STD:
            break
        since = epoch
    if since is None:
        return None
    relational = "teacher_temp" in config
    return Finding(
        "bad",
        f"collapsed at epoch {since:g}",
        f"The std of the embeddings is {shares[-1][1]:.0%} of 1/sqrt(dim), that of "
        f"evenly spread ones; below {COLLAPSED_STD:.0%} all images are almost one "
        "point.",
        ("a lower --teacher_temp or " if relational else "") + "a higher --momentum",
    )


def _relation(last: Row, config: Mapping[str, Any], suggested: str) -> Finding | None:
    """Say that the teacher's relation is uniform, or that it names one image."""
    entropy, size = last.get("teacher_entropy"), config.get("queue_size", 0)
    if entropy is None or size < 2:
        return None
    log_k = math.log(size)
    text = f"The entropy of its relation is {entropy:.2f} of log K = {log_k:.2f} nats"
    if entropy > UNIFORM_ENTROPY * log_k:
        return Finding(
            "bad",
            "teacher uniform: it relates every image to all others alike",
            text + ".",
            f"a --teacher_temp below {config['teacher_temp']:g}"
            + (f"; {suggested} suits these images" if suggested else ""),
        )
    if math.exp(entropy) < ONE_HOT:
        text += f": {math.exp(entropy):.2f} images count, of {size:,}."
        advice = f"a --teacher_temp above {config['teacher_temp']:g}"
        return Finding("warning", "teacher one-hot: it names one image", text, advice)
    return None


def _input(trained: Sequence[Row]) -> Finding | None:
    waited = [row["input_wait"] for row in trained if row.get("input_wait") is not None]
    if not waited or waited[-1] < INPUT_BOUND:
        return None
    return Finding(
        "warning",
        f"input-bound: {waited[-1]:.0%} waiting",
        f"In the last epoch {waited[-1]:.0%} of the time went into waiting for images.",
        "--cache=disk; on a GPU --augment_on=device",
    )
