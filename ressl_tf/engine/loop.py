"""Training by `fit`, from any step to any step."""

from collections.abc import Callable, Iterator

import keras
import tensorflow as tf


def fit(
    model: keras.Model,
    batches: Callable[[int, int], tf.data.Dataset],
    per_epoch: int,
    stop: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Train from the model's step to before `stop`.

    Args:
        model: compiled, with a `step` that goes on counting.
        batches: returns the batches of the steps from its first argument to before its
            second.
        per_epoch: number of steps.
        stop: step, counted from the start of the run.
        callbacks: of Keras.
    """
    begin = int(model.step.numpy())
    for start, epoch, end_epoch, steps in segments(begin, stop, per_epoch):
        model.fit(
            batches(start, start + steps * (end_epoch - epoch)),
            initial_epoch=epoch,
            epochs=end_epoch,
            steps_per_epoch=steps,
            callbacks=callbacks,
            verbose=0,  # `engine.progress` says more
            shuffle=False,
        )


def segments(
    start: int, stop: int, per_epoch: int
) -> Iterator[tuple[int, int, int, int]]:
    """Divide the steps from `start` to before `stop` into calls of `fit`.

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
