"""Sources with given labels, and flags of short evaluations."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.sources import MemorySource

QUICK = {"epochs": 2, "batch_size": 8, "eval_every": 1, "tensorboard": False}


def source(labels):
    """Return a source whose image number i is filled with i."""
    numbers = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    images = tf.constant(np.tile(numbers, (1, 4, 4, 3)))
    names = tuple(str(n) for n in range(max(labels) + 1))
    return MemorySource("numbers", images, np.array(labels, np.int32), names, ())


def shown(source):
    """Return the numbers of the images in a source."""
    return source.images.numpy()[:, 0, 0, 0].tolist()


def checkpoints(folder):
    paths = sorted((folder / "checkpoints").iterdir())
    return {path.name: path.read_bytes() for path in paths}
