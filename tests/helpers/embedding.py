"""Tables of features that tests write and read back."""

import numpy as np

from ressl_tf.evaluate.embeddings.table import Table


class Named:
    """Images that are nothing but names."""

    def __init__(self, names, label_names=("cat", "dog")):
        self._names, self.label_names = names, label_names

    def example_name(self, row):
        return self._names[row]


def table(names, labels, features, at_a_time=2, label_names=("cat", "dog")):
    """Return a table of these rows, whose features come in blocks."""
    blocks = np.array_split(features, range(at_a_time, len(features), at_a_time))
    return Table(
        Named(names, label_names),
        np.arange(len(names)),
        np.array(labels, np.int32),
        features.shape,
        features.dtype,
        lambda: iter(blocks),
        {"outputs": "features", "image_size": 16},
    )


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
