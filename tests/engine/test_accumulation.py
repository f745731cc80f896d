"""Gradients accumulated over micro-batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model
from helpers.steps import dataset, views_of

from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime.errors import UsageError


@pytest.mark.slow
def test_an_accumulated_step_is_one_of_the_mean_gradient(images):
    """By hand: both halves relate to the queue as it was; all keys enter it in order.

    The target's average of equal networks is itself, so that the step is one of SGD.
    """
    views = {name: np.split(batch, 2) for name, batch in views_of(images).items()}
    by_hand = tiny_model()
    gradients, keys, losses = [], [], []
    for strong, weak in zip(views["strong"], views["weak"], strict=True):
        key = by_hand.embed_target(weak, None)
        with tf.GradientTape() as tape:
            online = {"strong": by_hand.embed(strong)}
            loss = by_hand.loss_terms(online, {"weak": key}, None)[0]["relation"]
        gradients.append(tape.gradient(loss, by_hand.trainable_variables))
        keys.append(key)
        losses.append(float(loss))
    model = tiny_model(gradient_accumulation=2)
    model.compile(SGD(0.1, momentum=0.9, weight_decay=0.01))
    logs = model.train_on_batch(views_of(images), return_dict=True)
    assert logs["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    pairs = zip(by_hand.trainable_variables, *gradients, strict=True)
    expected = [w - 0.1 * ((a + b) / 2 + 0.01 * w) for w, a, b in pairs]
    for variable, value in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable, value, atol=1e-5, err_msg=variable.path)
    np.testing.assert_allclose(model.queue.keys[:8], tf.concat(keys, 0), atol=1e-5)
    counters = model.step, model.optimizer.iterations, model.queue.position
    assert [int(counter.numpy()) for counter in counters] == [1, 1, 8]


def test_an_optimizer_that_accumulates_by_itself_is_refused(images):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    with pytest.raises(UsageError, match=r"gradient_accumulation_steps=2"):
        model.fit(dataset(images, 1), shuffle=False, verbose=0)
