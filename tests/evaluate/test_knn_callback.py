"""`knn_top1` in the logs: its value, its forms, and that others can watch it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

import ressl_tf
from ressl_tf.evaluate import features, nearest_neighbors
from ressl_tf.runtime.errors import UsageError


@pytest.fixture
def labelled():
    """Return 24 images of three colours, and which: int [24]."""
    generator = np.random.default_rng(0)
    labels = np.arange(24) % 3
    images = generator.integers(0, 150, (24, 16, 16, 3))
    images[np.arange(24), :, :, labels] += 60
    return images.astype("uint8"), labels


def expected(model, bank, queries, k):
    sets = [features.extract(model, [data]) for data in (bank, queries)]
    return nearest_neighbors.accuracy(*sets[0], *sets[1], k=k)


def halves(labelled):
    images, labels = labelled
    return (images[:12], labels[:12]), (images[12:], labels[12:])


def test_it_is_the_accuracy_of_the_model_after_each_epoch(labelled):
    bank, queries = halves(labelled)
    model = tiny_model()
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            (logs["knn_top1"], expected(model, bank, queries, 3))
        )
    )
    callback = ressl_tf.KNNCallback(bank, queries, k=3, batch_size=5)
    history = model.fit(  # the watch before it in the list, but called after
        bank[0], batch_size=4, epochs=3, verbose=0, callbacks=[watch, callback]
    )
    assert [a for a, _ in seen] == [b for _, b in seen] == history.history["knn_top1"]
    assert callback.measure(model) == seen[-1][0]


def test_forms_of_the_images_agree(labelled):
    bank, queries = halves(labelled)
    model = tiny_model()
    wanted = expected(model, bank, queries, 3)
    pairs = tf.data.Dataset.from_tensor_slices(bank).batch(5)
    dicts = tf.data.Dataset.from_tensor_slices(
        {"image": queries[0], "label": queries[1]}
    )
    columns = (bank[0], bank[1][:, None])  # as of keras.datasets
    for first, second in ((bank, queries), (pairs, dicts.batch(5)), (columns, queries)):
        assert ressl_tf.KNNCallback(first, second, k=3).measure(model) == wanted


def test_without_queries_every_tenth_of_a_class_is_held_out(labelled):
    images, labels = labelled
    model = tiny_model()
    out = np.isin(np.arange(24), [0, 1, 2])  # the first of each class of eight
    wanted = expected(
        model, (images[~out], labels[~out]), (images[out], labels[out]), 3
    )
    assert ressl_tf.KNNCallback(labelled, k=3).measure(model) == wanted


def test_in_between_the_last_figure_stands_and_the_last_epoch_counts(labelled):
    model, measured = tiny_model(), []
    callback = ressl_tf.KNNCallback(labelled, k=3, every=2)
    measure = callback.measure
    callback.measure = lambda m: measured.append(int(m.step)) or measure(m)
    options = {"batch_size": 12, "verbose": 0, "callbacks": [callback]}
    history = model.fit(labelled[0], epochs=4, **options).history["knn_top1"]
    assert measured == [2, 6, 8]  # of two steps an epoch
    assert len(history) == 4
    assert history[0] == history[1]


def test_the_best_checkpoint_is_the_epoch_with_the_best_figure(labelled, tmp_path):
    model = tiny_model()
    callback = ressl_tf.KNNCallback(labelled)
    figures = iter([0.2, 0.7, 0.5, 0.7])
    callback.measure = lambda m: next(figures)
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="knn_top1", mode="max", save_best_only=True
    )
    stop = keras.callbacks.EarlyStopping("knn_top1", mode="max", patience=2)
    history = model.fit(
        labelled[0],
        batch_size=12,
        epochs=9,
        verbose=0,
        callbacks=[best, stop, callback],
    )
    assert history.history["knn_top1"] == [0.2, 0.7, 0.5, 0.7]
    assert int(keras.saving.load_model(tmp_path / "best.keras").step) == 4


REFUSED = {
    "no labels": (lambda x, y: (x,), r"give labelled images as \(images, labels\)"),
    "another count": (lambda x, y: (x, y[:5]), "Received: 24 images and 5 labels"),
    "one-hot": (
        lambda x, y: (x, np.eye(3)[y]),
        r"not one-hot. Received: float64 \(24, 3\)",
    ),
    "no batches": (
        lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)),
        "a batched tf.data.Dataset",
    ),
    "other keys": (
        lambda x, y: tf.data.Dataset.from_tensor_slices({"photo": x}).batch(2),
        "'label'",
    ),
    "no end": (
        lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)).batch(2).repeat(),
        "a data set that ends",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_set_of_labelled_images_is_refused(labelled, name):
    make, message = REFUSED[name]
    with pytest.raises(UsageError, match=message):
        ressl_tf.KNNCallback(make(*labelled))


def test_classes_that_do_not_meet_give_no_figure(labelled):
    images, labels = labelled
    callback = ressl_tf.KNNCallback((images, labels), (images, labels + 7))
    with pytest.raises(UsageError, match="no class of bank and queries has both"):
        callback.measure(tiny_model())
    with pytest.raises(UsageError, match="Received: k=0"):
        ressl_tf.KNNCallback(labelled, k=0)


def test_images_on_another_scale_are_warned_of(labelled, caplog):
    images, labels = labelled
    callback = ressl_tf.KNNCallback((images / 255.0, labels), k=3)
    tiny_model().fit(images, batch_size=12, verbose=0, callbacks=[callback])
    assert "raw ones on 0..255 are expected" in caplog.text


def test_a_bank_of_one_class_is_refused_and_a_large_k_is_said(labelled, caplog):
    (images, labels), queries = halves(labelled)
    with pytest.raises(UsageError, match=r"two classes or more.*Received: 1"):
        ressl_tf.KNNCallback((images, 0 * labels), (images, 0 * labels), k=3).measure(
            tiny_model()
        )
    with caplog.at_level("INFO", "ressl_tf"):
        callback = ressl_tf.KNNCallback((images, labels), queries, k=500)
        figure = callback.measure(tiny_model())
    assert "the bank holds 12 images: that many vote" in caplog.text
    assert figure == expected(tiny_model(), (images, labels), queries, 12)
