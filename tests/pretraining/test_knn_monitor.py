"""kNN during pretraining: which images vote and which are queries."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.data.sources import MemorySource
from ressl_tf.evaluate import nearest_neighbors
from ressl_tf.pretraining import knn_monitor
from ressl_tf.runtime.errors import UsageError


def marked(labels):
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    images = tf.constant(np.tile(images, (1, 16, 16, 3)))
    names = ("a", "b")
    return MemorySource("marked", images, np.array(labels, np.int32), names, ())


def monitored(monkeypatch, memory, queries):
    """Return the accuracy and which images reach the vote as bank and as queries."""
    voted = []
    monkeypatch.setattr(knn_monitor, "open_beside", lambda *_, **__: marked(queries))
    monkeypatch.setattr(
        nearest_neighbors,
        "neighbours",
        lambda bank, asked, k: voted.append((bank[:, 0], asked[:, 0])) or near(asked),
    )

    def near(asked):
        return np.ones((len(asked), 1), np.float32), np.zeros((len(asked), 1), int)

    def numbers(model, batches):
        images, labels = zip(*batches, strict=True)
        return np.concatenate(images)[:, 0, 0].astype("float32"), np.concatenate(labels)

    monkeypatch.setattr(knn_monitor.features, "extract", numbers)
    config = Config(dataset="stl10", split="train+unlabelled", image_size=16)
    measure = knn_monitor.make(config, marked(memory))
    accuracy = measure(None)
    return accuracy, *(rows.tolist() for rows in voted[0])


def test_images_without_a_label_reach_no_vote(monkeypatch):
    """As those of STL-10, among others: no memory, no question."""
    accuracy, memory, asked = monitored(
        monkeypatch, memory=[-1, 1, -1, 0, -1], queries=[-1, 1, 0, -1]
    )
    assert (memory, asked) == ([1, 3], [1, 2])
    assert accuracy == 0.5  # the first of the memory is of class 1


def test_a_split_without_labels_is_no_question(monkeypatch):
    """A tenth of the memory is asked instead, or the flag is refused."""
    _, memory, asked = monitored(monkeypatch, memory=[0, 1] * 6, queries=[-1, -1])
    assert (len(memory), asked) == (10, [0, 1])
    config = Config(dataset="stl10", eval_split="unlabelled", image_size=16)
    with pytest.raises(UsageError, match="Received: unlabelled, which has no labels"):
        knn_monitor.make(config, marked([0, 1]))


def test_queries_of_a_class_that_the_memory_lacks(monkeypatch, caplog):
    _, memory, asked = monitored(monkeypatch, memory=[0, 0], queries=[1, 0, 1])
    assert (memory, asked) == ([0, 1], [1])
    assert "2 of 3 test images are left out" in caplog.text
    with pytest.raises(UsageError, match="no class of marked has both training images"):
        monitored(monkeypatch, memory=[0, 0], queries=[1, 1])
