"""What all workers of a run have in common: flags, versions, images.

A worker that comes back with others would train another model, or wait for ever for a
step that the rest never takes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ressl_tf.engine.workdir import to_json
from ressl_tf.engine.written_by import versions
from ressl_tf.runtime import all_workers, distribute
from ressl_tf.runtime.errors import UsageError

OWN = (  # flags that a worker has for itself
    *("worker_index", "coordinator_address"),
    *("workdir", "cache_dir", "data_dir"),
)
MOST_NAMED = 5  # differences in one line


def flags_and_versions(config: Any) -> dict[str, Any]:
    """Return what must be equal on all workers before the images are read.

    Paths are left out: each machine may have the images elsewhere.

    Args:
        config: a dataclass of flags.
    """
    metadata = config.__dataclass_fields__
    flags = {
        f"--{name}": value
        for name, value in to_json(config).items()
        if name not in OWN and not metadata[name].metadata["path"]
    }
    return {**versions(), **flags}


def check(strategy: distribute.Strategy, facts: Mapping[str, Any]) -> None:
    """Compare the facts of all workers.

    Args:
        strategy: of several workers; nothing is compared with fewer.
        facts: name -> a value that JSON has; the same names on all workers.

    Raises:
        UsageError: they differ; raised on all workers, with the same line.
    """
    if distribute.worker(strategy)[1] == 1:
        return
    texts = all_workers.gather_text(strategy, json.dumps(facts))
    if difference := described([json.loads(text) for text in texts]):
        all_workers.let_all_know(strategy)
        raise UsageError(
            f"all workers need the same flags, versions and images. Received: "
            f"{difference}; start all again alike"
        )


def described(facts: Sequence[Mapping[str, Any]]) -> str:
    """Say what the first worker that differs from worker 0 has; empty if none does."""
    for index, other in enumerate(facts[1:], 1):
        names = [n for n in {**facts[0], **other} if facts[0].get(n) != other.get(n)]
        if names:
            return f"worker 0 has {_listed(facts[0], names)}; worker {index} has " + (
                _listed(other, names)
            )
    return ""


def _listed(facts: Mapping[str, Any], names: Sequence[str]) -> str:
    shown = [f"{name}={facts.get(name, '(none)')}" for name in names[:MOST_NAMED]]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return " ".join(shown) + more
