"""Which classes each image of a set shows, where it may show several."""

import dataclasses
from collections.abc import Sequence

import numpy as np

PRESENT, ABSENT, NOT_COUNTED = 1, 0, -1


@dataclasses.dataclass(frozen=True)
class MultiLabels:
    """Which classes each image shows.

    Attributes:
        states: int8 [n, classes]: 1 for shown, 0 for not, -1 where it counts as
            neither, as VOC's objects that are difficult.
        names: of the classes.
    """

    states: np.ndarray
    names: tuple[str, ...]

    def take(self, rows: np.ndarray) -> "MultiLabels":
        """Return those of these images, in this order."""
        return dataclasses.replace(self, states=self.states[rows])


def one_hot(labels: np.ndarray, names: Sequence[str] | None) -> MultiLabels | None:
    """Return one class an image as states; an image without a label counts nowhere.

    Args:
        labels: int [n]; below 0 for none.
        names: of the classes; None for no classes, which gives None.
    """
    if names is None:
        return None
    states = (labels[:, None] == np.arange(len(names))).astype(np.int8)
    states[labels < 0] = NOT_COUNTED
    return MultiLabels(states, tuple(names))


def several_hot(shown: Sequence[Sequence[str]], names: Sequence[str]) -> MultiLabels:
    """Return several classes an image as states.

    Args:
        shown: the classes of each image.
        names: of all classes.
    """
    place = {name: number for number, name in enumerate(names)}
    states = np.zeros((len(shown), len(names)), np.int8)
    for row, classes in enumerate(shown):
        states[row, [place[name] for name in classes]] = PRESENT
    return MultiLabels(states, tuple(names))
