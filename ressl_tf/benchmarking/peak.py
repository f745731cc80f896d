"""Prints how far the peak of memory rises for one loss: plain or blocks."""

import resource
import sys

import tensorflow as tf

from ressl_tf.benchmarking import loss


def peak() -> int:
    """Bytes: of the first GPU, or resident ones of this process."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    form = sys.argv[1]
    batch, queue_size, dim = loss.SIZES[-1]
    loss.contender(form, batch, 2 * batch, dim)(0.0)  # code and threads are loaded
    tf.random.stateless_normal([queue_size, dim], (0, 0)).numpy()  # and the queue
    before = peak()
    loss.contender(form, batch, queue_size, dim)(0.0)
    print(peak() - before)


if __name__ == "__main__":
    main()
