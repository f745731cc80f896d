"""Batches: their order, their seeds, and what a late start reads."""

import os

import numpy as np
import pytest
import tensorflow as tf
from helpers.numbered import CornerViews, in_memory, labelled, numbers, run, streamed

from ressl_tf.data.augment.views import Views, strong_view, weak_view
from ressl_tf.data.folder import Folder
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches, steps_per_epoch, training_batches
from ressl_tf.data.sources import MemorySource
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.runtime.errors import RunError, UsageError


def assert_equal(some, others):
    assert len(some) == len(others)
    for a, b in zip(some, others, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


@pytest.fixture(params=["memory", "stream"])
def source(request, folder):
    return in_memory(30) if request.param == "memory" else streamed(folder)


def test_an_epoch_visits_every_image_at_most_once(source):
    steps = run(source)  # 7 batches of 4 from 30 images, twice
    assert steps_per_epoch(source, 4) == 7
    first, second = numbers(steps).reshape(2, 28)
    assert len(set(first)) == len(set(second)) == 28
    assert not np.array_equal(first, second)
    everything = numbers(run(source, batch_size=30, stop_step=3))
    np.testing.assert_array_equal(np.sort(everything, 1), [np.arange(30)] * 3)


def test_elements_have_static_shapes_and_a_known_count(source):
    batches = training_batches(
        source, CornerViews(), batch_size=4, seed=0, start_step=3, stop_step=12
    )
    spec = tf.TensorSpec([4, 2, 2, 3], tf.float32)
    assert batches.element_spec == {"plain": spec, "moved": spec, "toned": spec}
    assert int(batches.cardinality()) == 9


def test_shapes_are_static_whatever_makes_the_views():
    """Otherwise several replicas of several workers cannot share the batch."""
    views = Views({"strong": strong_view(12), "weak": weak_view(12)})
    batches = training_batches(
        in_memory(8, size=16), views, batch_size=4, seed=0, stop_step=1, shard=(1, 2)
    )
    spec = tf.TensorSpec([2, 12, 12, 3], tf.float32)
    assert batches.element_spec == {"strong": spec, "weak": spec}


def test_a_run_is_a_function_of_its_seed(source):
    assert_equal(run(source), run(source))
    assert not np.array_equal(numbers(run(source)), numbers(run(source, seed=2)))


@pytest.mark.parametrize("start", [1, 7, 10, 14])
def test_a_late_start_yields_what_the_whole_run_yields(source, start):
    assert_equal(run(source, start_step=start), run(source)[start:])


def test_a_late_start_does_not_read_what_it_skips(folder):
    whole = run(streamed(folder), stop_step=7)
    source = streamed(folder)
    for number in numbers(whole)[:5].ravel():
        os.remove(folder / "ab"[number // 15] / f"{number:02}.png")
    assert_equal(run(source, start_step=5, stop_step=7), whole[5:])


def test_a_late_start_reads_as_many_images_as_its_steps_hold(folder, monkeypatch):
    """Steps 12 and 13 of 14, in the middle of the second epoch."""
    source, read, rows = streamed(folder), Folder.read, []

    def counted(self, row):
        noted = tf.numpy_function(lambda r: rows.append(int(r)) or True, [row], tf.bool)
        with tf.control_dependencies([noted]):
            return read(self, tf.identity(row))

    monkeypatch.setattr(Folder, "read", counted)
    steps = run(source, start_step=12)
    assert sorted(rows) == sorted(numbers(steps).ravel())


def test_the_order_is_the_same_in_memory_and_streamed(folder):
    memory, stream = run(in_memory(30)), run(streamed(folder))
    np.testing.assert_array_equal(numbers(memory), numbers(stream))


def test_every_step_and_every_place_draws_anew(source):
    steps = run(source)
    moves = np.stack([(s["moved"] - s["plain"])[:, 0, 0, 0] for s in steps])
    assert len(np.unique(moves.round(5))) == 56
    tones = np.stack([(s["toned"] - s["plain"])[:, 0, 0, 0] for s in steps])
    assert len(np.unique(tones[:, 0].round(5))) == 14
    for draws in (moves, tones):
        assert (draws >= 0).all()
        assert (draws < 1).all()


def test_what_a_batch_can_be(source):
    for batch_size in (0, 31):
        with pytest.raises(UsageError, match=f"1 to 30.*batch_size={batch_size}"):
            run(source, batch_size=batch_size)


def path_of(folder, number):
    return folder / "ab"[number // 15] / f"{number:02}.png"


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 6])
def test_a_bad_image_ends_the_run_at_its_step_by_name(folder, step):
    whole = run(streamed(folder), stop_step=7)
    source = streamed(folder)
    bad = path_of(folder, numbers(whole)[step, 3])
    bad.write_bytes(b"\xff\xd8\xff broken")
    batches = training_batches(
        source, CornerViews(), batch_size=4, seed=1, stop_step=7
    ).as_numpy_iterator()
    for _ in range(step):
        next(batches)
    with pytest.raises(RunError, match=f"Cannot read image {bad}: ") as error:  # noqa: SIM117
        with bad_images_as_run_errors():
            next(batches)
    assert "\n" not in str(error.value)


def test_the_last_image_of_all_is_missed_too(folder):
    source = streamed(folder)
    os.remove(path_of(folder, 29))
    with pytest.raises(RunError, match=r"29\.png: .*No such file"):  # noqa: SIM117
        with bad_images_as_run_errors():
            list(evaluation_batches(source, 4, 29))


def test_an_epoch_without_its_bad_images(folder):
    path_of(folder, 7).write_bytes(b"broken")
    source = load_source(f"folder:{folder}", "train", on_bad_image="skip")
    order = numbers(run(source, batch_size=29, stop_step=2))
    expected = [number for number in range(30) if number != 7]
    np.testing.assert_array_equal(np.sort(order, 1), [expected] * 2)


def evaluate(source, size, batch_size, limit=None):
    batches = list(evaluation_batches(source, size, batch_size, limit))
    assert all(images.dtype == tf.uint8 for images, _ in batches)
    images = np.concatenate([images for images, _ in batches])
    return images, np.concatenate([labels for _, labels in batches])


def test_evaluation_keeps_order_labels_and_the_last_images(folder):
    for source in (in_memory(30), streamed(folder)):
        images, labels = evaluate(source, 4, 8)
        assert images.shape == (30, 4, 4, 3)
        np.testing.assert_array_equal(images[:, 1, 1, 1], np.arange(30))
        expected = source.labels if source.image_shape else np.arange(30) // 15
        np.testing.assert_array_equal(labels, expected)


def test_limit_takes_the_same_random_images_every_time(folder):
    for source in (in_memory(30), streamed(folder)):
        images, labels = evaluate(source, 4, 5, limit=12)
        rows = images[:, 0, 0, 0]
        assert len(set(rows)) == len(rows) == len(labels) == 12
        assert rows.max() > 15  # not merely the first ones
        np.testing.assert_array_equal(
            rows, evaluate(source, 4, 7, limit=12)[0][:, 0, 0, 0]
        )
        assert len(evaluate(source, 4, 5, limit=99)[0]) == 30


def test_images_of_the_right_size_pass_untouched():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    source = MemorySource("x", tf.constant(images), np.zeros(3, np.int32), None, ())
    np.testing.assert_array_equal(evaluate(source, 6, 2)[0], images)


def test_labels_come_with_their_images(folder):
    for source, expected in (
        (in_memory(30), lambda n: n % 2),
        (streamed(folder), lambda n: n // 15),
    ):
        shown, labels = labelled(source)
        np.testing.assert_array_equal(labels, expected(shown))
        plain = numbers(run(source))
        np.testing.assert_array_equal(shown, plain)  # the same order with and without
