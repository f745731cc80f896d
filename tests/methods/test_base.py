"""The Keras model as people use it: fit, predict, save, load."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.engine.checkpoint import state
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.randomness import permutation

SEED = tf.constant([0, 0])


def values(model):
    return {name: variable.numpy() for name, variable in state(model).items()}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def fit(model, data, **options):
    model.fit(data, verbose=0, shuffle=False, **options)
    return model


@pytest.mark.slow
def test_an_array_a_dataset_and_finished_views_train_alike(images):
    """Raw images go through the model's own views, by the model's seed and step."""
    from_array = fit(tiny_model(), images, batch_size=4)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(4, drop_remainder=True)
    assert_equal(values(from_array), values(fit(tiny_model(), dataset)))
    labelled = tf.data.Dataset.from_tensor_slices((images, np.arange(12)))
    labelled = labelled.batch(4, drop_remainder=True)
    assert_equal(values(from_array), values(fit(tiny_model(), labelled)))
    by_hand = tiny_model()
    for step in range(3):
        seed = tf.random.fold_in(tf.constant([0, step]), 0)
        views = by_hand.views(images[4 * step : 4 * step + 4], seed)
        by_hand.train_on_batch(views)
    # The views are drawn outside the graph here: their last bits may differ.
    for name, value in values(from_array).items():
        if not name.startswith("metrics"):
            close = values(by_hand)[name]
            np.testing.assert_allclose(value, close, atol=2e-3, err_msg=name)


def test_the_queue_holds_the_targets_keys_in_order(images):
    model = tiny_model(queue_size=20)
    weak = images.astype("float32")
    model.train_on_batch({"strong": weak, "weak": weak})
    keys = model.target(weak, training=True)  # equal statistics: the same batch
    expected = tf.math.l2_normalize(keys, axis=-1)
    np.testing.assert_allclose(model.queue.keys[:12], expected, atol=1e-5)


def test_features_are_those_of_the_online_backbone_without_augmentation(images):
    model = tiny_model()
    features = model.predict(images, verbose=0)
    np.testing.assert_array_equal(features, model.predict(images, verbose=0))
    np.testing.assert_allclose(features, model(images), atol=1e-5)
    mean, std = np.array(model.online.mean), np.array(model.online.std)
    normal = (images / 255.0 - mean) / std
    expected = model.online.backbone(normal.astype("float32"), training=False)
    np.testing.assert_allclose(features, expected, atol=1e-5)
    assert features.shape == (12, 8)


def test_no_gradient_reaches_target_or_queue(images):
    model = tiny_model()
    target = [v.value for v in model.target.variables]
    with tf.GradientTape() as tape:
        tape.watch([*target, model.queue.keys.value])
        views = model.views(images, SEED)
        online = {"strong": model.embed(views["strong"])}
        keys = {"weak": model.embed_target(views["weak"], SEED)}
        terms, _ = model.loss_terms(online, keys, 0)
    gradients = tape.gradient(terms["relation"], [*target, model.queue.keys.value])
    assert all(gradient is None for gradient in gradients)
    trained = {id(v) for v in model.trainable_variables}
    assert trained == {id(v) for v in model.online.trainable_variables}


def test_target_batch_norm_works_on_batch_statistics_of_its_own(images):
    model = fit(tiny_model(momentum=1.0), images, batch_size=4)
    moved = [v.numpy() for v in model.target.variables if "moving_mean" in v.name]
    online = [v.numpy() for v in model.online.variables if "moving_mean" in v.name]
    for target, own in zip(moved, online, strict=True):
        assert np.abs(target).max() > 0
        assert not np.allclose(target, own)


@pytest.mark.slow
def test_the_student_comes_to_its_teacher_on_a_fixed_batch(images):
    """Views, teacher and queue fixed: the divergence, loss - entropy, falls."""
    model = tiny_model(momentum=1.0, queue_size=8)
    views = {name: v.numpy() for name, v in model.views(images, SEED).items()}
    model.queue.enqueue = lambda keys: None
    history = model.fit(views, batch_size=12, epochs=100, verbose=0, shuffle=False)
    history = history.history
    divergence = np.array(history["loss"]) - np.array(history["teacher_entropy"])
    assert 0 < divergence[-1] < 0.5 * divergence[0]


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [True, False])
def test_a_loaded_model_takes_the_same_next_step(images, tmp_path, compiled):
    model = fit(tiny_model(views=None), images, batch_size=4, epochs=2)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path, compile=compiled)
    np.testing.assert_array_equal(loaded(images), model(images))
    if not compiled:
        return
    saved = values(model)
    for name, value in values(loaded).items():
        if not name.startswith("metrics"):
            np.testing.assert_array_equal(value, saved[name], err_msg=name)
    for either in (model, loaded):
        fit(either, images, batch_size=4)
    assert_equal(values(loaded), values(model))


@pytest.mark.slow
def test_another_process_loads_what_was_saved(images, tmp_path):
    """With nothing but the package imported, as in a notebook."""
    model = tiny_model()
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy, keras, ressl_tf\n"
        "model = keras.saving.load_model(sys.argv[1] + '/model.keras')\n"
        "features = model.predict(numpy.load(sys.argv[1] + '/images.npy'), verbose=0)\n"
        "numpy.save(sys.argv[1] + '/features.npy', features)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=300, check=True)
    features = np.load(tmp_path / "features.npy")
    np.testing.assert_allclose(features, model.predict(images, verbose=0), atol=1e-5)


def test_split_permutes_the_targets_batch_and_puts_it_back(images):
    """With one value for all groups the order shows in the statistics alone."""
    batch = np.concatenate([images, images[:4]]).astype("float32")
    plain = tiny_model(batch_norm="split")
    shuffled = tiny_model(batch_norm="split", shuffle_target=True)
    seed = (5, 7)
    order = permutation(16, seed).numpy()
    assert not np.array_equal(order, np.arange(16))
    expected = np.zeros((16, 6), "float32")
    expected[order] = plain.embed_target(batch[order], seed)
    keys = shuffled.embed_target(batch, seed)
    np.testing.assert_allclose(keys, expected, atol=1e-5)
    assert np.abs(keys - plain.embed_target(batch, seed)).max() > 1e-3


def test_names_build_a_backbone_and_own_models_are_taken():
    by_name = ReSSL("resnet18", image_size=32, hidden_dim=8)
    assert by_name.online.backbone.get_layer("conv1").strides == (1, 1)
    layers = [keras.Input((16, 16, 3)), keras.layers.GlobalAveragePooling2D()]
    own = ReSSL(keras.Sequential(layers), image_size=16, hidden_dim=8)
    assert own.online.feature_dim == 3


def test_metrics_are_epoch_means_of_terms_and_signals(images):
    model = tiny_model()
    history = model.fit(images, batch_size=4, epochs=2, verbose=0).history
    assert set(history) == {
        "loss",
        "teacher_entropy",
        "student_entropy",
        "embedding_std",
    }
    assert int(model.step.numpy()) == int(model.optimizer.iterations.numpy()) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1.5}, r"within 0\.\.1. Received: 1\.5"),
        ({"teacher_temp": 0.0}, r"above 0.*teacher_temp=0\.0"),
        ({"queue_size": 0}, r"whole number from 1. Received: 0"),
        ({"mean": (123.7, 116.3, 103.5)}, r"mean must be .* 0\.\.1 .*123\.7"),
        ({"std": (0.2, 0.2)}, r"std must be three numbers.*\(0\.2, 0\.2\)"),
        ({"std": (0.2, 0, 0.2)}, "std must be above 0"),
    ],
)
def test_values_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        tiny_model(**options)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((4, 16, 16), "uint8"), r"\[batch, height, width, 3\].*16, 16\)"),
        (np.zeros((4, 16, 16, 1), "uint8"), r"Received: shape .*16, 16, 1\)"),
        ({"strong": np.zeros((4, 16, 16, 3))}, "missing: weak. Received: strong"),
    ],
)
def test_data_that_cannot_be_is_refused(data, message):
    with pytest.raises(UsageError, match=message):
        tiny_model().fit(data, batch_size=4, verbose=0)
