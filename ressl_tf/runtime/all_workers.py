"""What all workers of a run do together, outside of its steps; and losing one."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import Watch

LOST = (  # what collectives raise when a peer is gone
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def broadcast(
    strategy: distribute.Strategy, variables: Sequence[keras.Variable]
) -> None:
    """Set Keras variables to the chief's values on all workers."""
    if distribute.worker(strategy)[1] == 1:
        return

    def on_replica() -> None:
        chief = tf.equal(distribute.replica_id(), 0)
        for dtype in sorted({variable.dtype for variable in variables}):
            same = [v for v in variables if v.dtype == dtype]
            values = [tf.convert_to_tensor(variable) for variable in same]
            terms = [tf.where(chief, value, tf.zeros_like(value)) for value in values]
            distribute.assign_each(same, distribute.total(terms))

    tf.function(lambda: strategy.run(on_replica), autograph=False)()


def wait_for_all(strategy: distribute.Strategy) -> None:
    """Return when all workers have called this function."""
    if distribute.worker(strategy)[1] == 1:
        return

    tf.function(
        lambda: strategy.run(lambda: distribute.gather(tf.zeros([1]))), autograph=False
    )()


def let_all_know(strategy: distribute.Strategy) -> None:
    """Wait until all workers have what was gathered, before one of them ends."""
    with contextlib.suppress(*LOST):  # who is gone has had it
        wait_for_all(strategy)


def gather_text(strategy: distribute.Strategy, text: str) -> list[str]:
    """Return the text of each worker, in their order; all call this function."""
    count = distribute.worker(strategy)[1]
    if count == 1:
        return [text]
    replicas = strategy.num_replicas_in_sync // count
    letters = tf.constant(list(text.encode()), tf.int32)

    def on_replica(_: None) -> tf.Tensor:
        size = tf.reduce_max(distribute.gather(tf.shape(letters)))
        padded = tf.pad(letters, [[0, size - tf.shape(letters)[0]]])
        return distribute.gather(padded[tf.newaxis])

    gathered = tf.function(
        lambda: distribute.run(strategy, on_replica, None), autograph=False
    )()
    rows = gathered.numpy().astype("uint8")[::replicas]
    return [row.tobytes().rstrip(b"\0").decode() for row in rows]


@contextlib.contextmanager
def lost_workers_as_run_errors(strategy: distribute.Strategy) -> Iterator[None]:
    """Turn the errors that a lost peer causes into one line.

    Raises:
        RunError: in the place of `LOST`, with several workers.
    """
    try:
        yield
    except LOST as error:
        index, count = distribute.worker(strategy)
        if count == 1:
            raise
        raise RunError(
            f"worker {index} of {count} lost another one ({type(error).__name__}); "
            "start all workers again: they go on from the last checkpoint"
        ) from None


@contextlib.contextmanager
def stopped_with_chief(watch: Watch) -> Iterator[None]:
    """Call it an interruption that the chief is lost, where a signal asked for it.

    Raises:
        Interrupted: in the place of `LOST`, after a signal.
    """
    try:
        yield
    except LOST:
        if not watch.asked:
            raise
        message = f"stopped by {watch.asked}, as the chief was"
        raise Interrupted(message, by=watch.asked) from None
