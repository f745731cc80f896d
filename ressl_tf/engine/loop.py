"""Training by `fit` from any step to any step."""

import sys
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from ressl_tf.runtime import distribute


def fit(
    model: keras.Model,
    between: Callable[[int, int], tf.data.Dataset],
    per_epoch: int,
    stop: int,
    watchers: list[keras.callbacks.Callback],
) -> None:
    """Trains from the model's step to before `stop`.

    Args:
        model: compiled, with a `step` that counts on when it is trained.
        between: the batches of the steps from its first argument to before its second.
        per_epoch: steps.
        stop: counted from the start of the run.
        watchers: callbacks.
    """
    begin = int(model.step.numpy())
    for start, epoch, end_epoch, steps in segments(begin, stop, per_epoch):
        model.fit(
            between(start, start + steps * (end_epoch - epoch)),
            initial_epoch=epoch,
            epochs=end_epoch,
            steps_per_epoch=steps,
            callbacks=watchers,
            verbose=_verbosity(model),
            shuffle=False,
        )


def _verbosity(model) -> int:
    """A bar on a terminal, a line an epoch elsewhere; all workers but one are quiet."""
    if distribute.worker(model.distribute_strategy)[0]:
        return 0
    return 1 if sys.stderr.isatty() else 2


def segments(
    start: int, stop: int, per_epoch: int
) -> Iterator[tuple[int, int, int, int]]:
    """Calls of `fit` that take the steps from `start` to before `stop`.

    Yields:
        (first step, epoch, end epoch, steps per epoch): the rest of a broken epoch,
        then all whole ones, then the beginning of the last.
    """
    while start < stop:
        epoch, done = divmod(start, per_epoch)
        whole = (stop - start) // per_epoch
        if done or not whole:
            steps = min(per_epoch - done, stop - start)
            yield start, epoch, epoch + 1, steps
            start += steps
        else:
            yield start, epoch, epoch + whole, per_epoch
            start += whole * per_epoch
