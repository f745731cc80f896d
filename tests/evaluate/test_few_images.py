"""Draws of few images of each class."""

import numpy as np

from ressl_tf.evaluate import few_images

GENERATOR = np.random.default_rng(0)
STATES = (GENERATOR.random((400, 5)) < 0.2).astype(np.int8)
STATES[GENERATOR.random(STATES.shape) < 0.05] = -1


def test_a_class_has_its_images_and_so_many_of_each_other_class():
    rows = few_images.of_class(STATES, 2, 8, np.random.default_rng(0))
    assert np.bincount(STATES[rows, 2] + 1, minlength=3).tolist() == [0, 32, 8]
    assert len(np.unique(rows)) == 40
    again = few_images.of_class(STATES, 2, 8, np.random.default_rng(0))
    other = few_images.of_class(STATES, 2, 8, np.random.default_rng(1))
    assert rows.tolist() == again.tolist() != other.tolist()


def test_a_class_of_few_images_gives_all():
    states = np.zeros((9, 1), np.int8)
    states[:3] = 1
    rows = few_images.of_class(states, 0, 5, np.random.default_rng(0))
    assert rows[:3].tolist() == [0, 1, 2]
    assert len(rows) == 3 + 5


def test_a_pool_has_images_of_every_class_once():
    states = STATES.copy()
    states[:, 4] = 0
    states[7, 4] = 1
    rows = few_images.pool(states, 4, np.random.default_rng(0))
    assert (states[rows] == 1).sum(axis=0).min() == 1
    assert ((states[rows] == 1).sum(axis=0)[:4] >= 4).all()
    assert 7 in rows
    assert len(rows) == len(set(rows.tolist())) <= 17


def test_every_image_is_drawn_equally_often():
    states = np.eye(4, dtype=np.int8).repeat(5, axis=0)
    generator = np.random.default_rng(0)
    drawn = [few_images.of_class(states, 1, 1, generator) for _ in range(3000)]
    counts = np.bincount(np.concatenate(drawn), minlength=20)
    assert abs(counts[5:10] - 600).max() < 100  # one of five that show it
    assert abs(np.delete(counts, range(5, 10)) - 600).max() < 100  # three of fifteen
