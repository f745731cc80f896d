"""Data that is no images is refused; generators and labels of any type are taken."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model
from helpers.steps import values

from ressl_tf.runtime.errors import UsageError


def fit(model, images, **options):
    arguments = {"batch_size": 4, "verbose": 0, "shuffle": False}
    return model.fit(images, **arguments, **options).history


def same_weights(first, second):
    kept = [k for k in first if not k.startswith(("metrics", "guard"))]
    return all(np.array_equal(first[name], second[name]) for name in kept)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("photos/", r"pretrain\(data=...\) takes a folder. Received: 'photos/'"),
        (np.zeros([4, 16, 16, 3], bool), r"Received: bool \[4, 16, 16, 3\]"),
        (np.array([np.zeros(2), np.zeros(3)], object), "of one size"),
        (tf.ragged.constant([[1, 2], [3]]), "of one size"),
        (np.zeros([0, 16, 16, 3], np.uint8), "there are no images"),
        (None, "there are no images"),
    ],
)
def test_what_holds_no_images_is_refused_by_all_three(data, message):
    model = tiny_model()
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(UsageError, match=message):
            call(data, verbose=0)


def test_batches_of_several_sizes_and_truth_values_are_refused(images):
    ragged = tf.ragged.stack([images[0], images[1][:8]])
    for batch, message in ((ragged, "a ragged batch"), (images > 9, "Received: bool")):
        with pytest.raises(UsageError, match=message):
            tiny_model().fit(tf.data.Dataset.from_tensors(batch), verbose=0)


@pytest.mark.filterwarnings("ignore:.*(shuffle|ran out of data)")
def test_a_generator_of_images_trains_as_the_array(images):
    def batches():
        for start in range(0, 12, 4):
            yield images[start : start + 4]

    whole, drawn = tiny_model(), tiny_model()
    fit(whole, images[:12])
    drawn.fit(batches(), steps_per_epoch=3, verbose=0)
    assert same_weights(values(drawn), values(whole))


@pytest.mark.slow
def test_labels_of_any_type_are_ignored(images):
    words = np.array(["cat"] * len(images))
    labelled, plain = tiny_model(), tiny_model()
    found = fit(labelled, images, y=words, validation_data=(images, words))
    assert found == fit(plain, images, validation_data=images)
    assert same_weights(values(labelled), values(plain))
    assert labelled.evaluate(images, words, batch_size=4, verbose=0)
