"""One and three whole steps of ReSSL against plain NumPy."""

import keras
import numpy as np
import pytest
from helpers.method_steps import assert_step_equals_numpy
from helpers.numpy_ressl import Reference

import ressl_tf
from ressl_tf.engine.optimizers import SGD
from ressl_tf.engine.schedules import WarmupCosine
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.models.backbones.batch_norm import BatchNormalization

SIDE, WIDTH, HIDDEN, DIM, QUEUE, BATCH = 2, 7, 6, 5, 10, 4
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)


def tiny_backbone():
    layers = [
        keras.layers.InputLayer(shape=(SIDE, SIDE, 3)),
        keras.layers.Flatten(),
        keras.layers.Dense(WIDTH, use_bias=False, name="w1"),
        BatchNormalization(name="bn"),
        keras.layers.ReLU(),
    ]
    return keras.Sequential(layers)


def tiny_model():
    model = ReSSL(
        tiny_backbone(),
        image_size=SIDE,
        hidden_dim=HIDDEN,
        embedding_dim=DIM,
        queue_size=QUEUE,
        momentum=0.9,
        mean=MEAN,
        std=STD,
    )
    generator = np.random.default_rng(3)
    for variable in model.online.trainable_variables:  # biases away from zero too
        variable.assign(generator.normal(scale=0.5, size=variable.shape))
    for online, target in zip(
        model.online.variables, model.target.variables, strict=True
    ):
        target.assign(online)
    return model


def parameters(encoder):
    backbone, head = encoder.backbone, encoder.projector
    hidden, output = head.get_layer("hidden"), head.get_layer("output")
    norm = backbone.get_layer("bn")
    return {
        "w1": backbone.get_layer("w1").kernel.numpy(),
        "gamma": norm.gamma.numpy(),
        "beta": norm.beta.numpy(),
        "w2": hidden.kernel.numpy(),
        "b2": hidden.bias.numpy(),
        "w3": output.kernel.numpy(),
        "b3": output.bias.numpy(),
    }


def normalised(images):
    return ((images / 255.0 - MEAN) / STD).reshape(len(images), -1)


def schedule(step):
    if step < 2:
        return 0.4 * step / 2
    return 0.4 * 0.5 * (1 + np.cos(np.pi * (step - 2) / 4))


@pytest.mark.parametrize("decay_bias_and_norm", [True, False])
def test_three_steps_equal_numpy(decay_bias_and_norm):
    model = tiny_model()
    optimizer = SGD(WarmupCosine(0.4, 2, 6), 0.9, 0.05, decay_bias_and_norm)
    model.compile(optimizer, run_eagerly=False)

    def decay(weight):
        return 0.05 * weight if decay_bias_and_norm or weight.ndim > 1 else 0.0

    reference = Reference(
        parameters(model.online),
        model.queue.keys.numpy(),
        momentum=0.9,
        tau_s=0.1,
        tau_t=0.04,
        decay=decay,
        schedule=schedule,
    )
    generator = np.random.default_rng(0)
    for _ in range(3):
        shape = (2, BATCH, SIDE, SIDE, 3)
        strong, weak = generator.uniform(0, 255, shape).astype("float32")
        model.reset_metrics()
        history = model.fit(
            {"strong": strong, "weak": weak}, batch_size=BATCH, shuffle=False, verbose=0
        )
        loss = reference.step(normalised(strong), normalised(weak))
        np.testing.assert_allclose(history.history["loss"], [loss], rtol=1e-5)
        assert_same_state(model, reference)
    assert model.queue.position.numpy() == 2  # 12 keys went into 10 rows


def assert_same_state(model, reference):
    close = {"rtol": 0, "atol": 1e-5}
    for name, encoder in (("online", model.online), ("target", model.target)):
        expected = getattr(reference, name)
        for key, value in parameters(encoder).items():
            np.testing.assert_allclose(value, expected[key], **close, err_msg=key)
        norm = encoder.backbone.get_layer("bn")
        mean, variance = reference.moving[name]
        np.testing.assert_allclose(norm.moving_mean, mean, **close)
        np.testing.assert_allclose(norm.moving_variance, variance, **close)
    np.testing.assert_allclose(model.queue.keys, reference.queue, **close)
    order = ["w1", "gamma", "beta", "w2", "b2", "w3", "b3"]
    for key, value in zip(order, model.optimizer.velocities, strict=True):
        np.testing.assert_allclose(value, reference.velocity[key], **close, err_msg=key)


def test_a_whole_step_equals_numpy():
    assert_step_equals_numpy(ressl_tf.ReSSL, {}, {})
