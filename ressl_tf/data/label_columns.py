"""Columns of a list that say which classes an image shows, where it shows several."""

import logging
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ressl_tf.data.multi_label import (
    ABSENT,
    NOT_COUNTED,
    PRESENT,
    MultiLabels,
    several_hot,
)

log = logging.getLogger("ressl_tf")
LABELS = "labels"  # the column of several classes: dog;person or dog|person
OTHERS = ("path", "label", LABELS, "split")
STATES = {  # what a column of one class holds
    **dict.fromkeys(("1", "1.0", "true"), PRESENT),
    **dict.fromkeys(("0", "0.0", "false", ""), ABSENT),
    **dict.fromkeys(("-1", "-1.0"), NOT_COUNTED),
}


def several_labels(table: Mapping[str, Sequence[str]]) -> MultiLabels | None:
    """Read the column `labels`, or else a column for each class.

    `labels` holds classes with `;` or `|` between them; where it is empty, the image
    shows none. A column of a class holds 1 for shown, 0 or nothing for not, and -1
    where it counts as neither; other columns are no classes.

    Args:
        table: column -> values of all rows.

    Returns:
        None where the list has neither.
    """
    if LABELS in table:
        shown = [_split(text) for text in table[LABELS]]
        names = sorted({name for classes in shown for name in classes})
        return several_hot(shown, names) if names else None
    numbers = {
        name: [STATES.get(value.lower()) for value in values]
        for name, values in table.items()
        if name not in OTHERS
    }
    classes = {n: v for n, v in numbers.items() if None not in v and PRESENT in v}
    if left := [name for name in numbers if name not in classes]:
        log.info("columns that are no class, with 1, 0, -1: %s", ", ".join(left))
    if not classes:
        return None
    states = np.array(list(classes.values()), np.int8).T
    return MultiLabels(states, tuple(classes))


def _split(text: str) -> list[str]:
    parts = (part.strip() for part in re.split("[;|]", text))
    return list(dict.fromkeys(part for part in parts if part))
