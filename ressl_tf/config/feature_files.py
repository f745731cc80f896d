"""Flags that name files of features, in place of an encoder and images."""

import dataclasses
from typing import Any

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

INSTEAD = ("workdir", "model", "dataset", "untrained", "image_size")


@dataclasses.dataclass(frozen=True)
class FeatureFiles:
    """Files of `ressl_tf.embed` in place of encoder and images."""

    bank: str = option(
        "",
        "File of ressl_tf.embed with the features to learn from, in place of encoder "
        "and --train_split: they are not computed anew.",
        group="files of features",
        path=True,
    )
    queries: str = option(
        "", "File of ressl_tf.embed with the features to classify.", path=True
    )


def check_files(config: Any) -> None:
    """Refuse files of features beside an encoder or images, or one file alone.

    Raises:
        UsageError: says what was given.
    """
    if given := [f"--{name}" for name in INSTEAD if getattr(config, name)]:
        raise UsageError(
            "--bank and --queries stand in place of encoder and images. Received: "
            f"{', '.join(given)} too"
        )
    if not (config.bank and config.queries):
        raise UsageError(
            "give both of --bank and --queries, files of ressl_tf.embed. "
            f"Received: {config.bank or config.queries}"
        )
