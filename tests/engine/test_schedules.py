"""Schedules of the learning rate, and fades."""

import keras
import numpy as np
import pytest

from ressl_tf.engine.schedules import (
    Restart,
    WarmupConstant,
    WarmupCosine,
    fade,
    warmup_cosine,
)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("linear", [1, 0.75, 0.5, 0, 0]),
        ("cosine", [1, 0.5 + np.sqrt(0.125), 0.5, 0, 0]),
        ("switch", [1, 1, 1, 0, 0]),
        ("constant", [1, 1, 1, 1, 1]),
        ("off", [0, 0, 0, 0, 0]),
    ],
)
def test_fades_start_at_one_and_end_with_the_last_step(form, expected):
    values = [float(fade(step, 4, form)) for step in (0, 1, 2, 4, 5)]
    np.testing.assert_allclose(values, expected, atol=1e-6)
    over = 1.0 if form == "constant" else 0.0
    assert float(fade(0, 0, form)) == over


def test_a_cosine_can_be_held_for_an_epoch():
    """Epochs of ten steps; the warm-up still rises at every step."""
    schedule = WarmupCosine(0.2, warmup_steps=15, total_steps=40, hold=10)
    exact = WarmupCosine(0.2, warmup_steps=15, total_steps=40)
    for step in (0, 7, 14):
        assert float(schedule(step)) == pytest.approx(float(exact(step)))
    for step, start in [(15, 15), (19, 15), (20, 20), (29, 20), (30, 30), (39, 30)]:
        assert float(schedule(step)) == pytest.approx(float(exact(start)))
    alone = WarmupCosine(0.1, warmup_steps=0, total_steps=200, hold=10)
    assert float(alone(57)) == pytest.approx(0.05 * (1 + np.cos(np.pi * 5 / 20)))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.0),
        (5, 0.03),
        (10, 0.06),
        (55, 0.03),  # half of the cosine
        (100, 0.0),
        (101, 0.0),
    ],
)
def test_warmup_then_cosine(step, expected):
    value = warmup_cosine(step, 0.06, warmup_steps=10, total_steps=100)
    assert float(value) == pytest.approx(expected, abs=1e-8)


def test_without_warmup_it_starts_at_the_peak():
    assert float(warmup_cosine(0, 0.5, 0, 10)) == pytest.approx(0.5)


def test_warmup_alone_ends_below_the_peak():
    assert float(warmup_cosine(9, 1.0, 10, 10)) == pytest.approx(0.9)


def test_a_constant_rate_after_its_warm_up():
    schedule = WarmupConstant(0.2, warmup_steps=4)
    rates = [float(schedule(step)) for step in (0, 1, 4, 5, 1000)]
    np.testing.assert_allclose(rates, [0, 0.05, 0.2, 0.2, 0.2], rtol=1e-6)
    assert float(WarmupConstant(0.2)(0)) == pytest.approx(0.2)
    assert WarmupConstant.from_config(schedule.get_config()).warmup_steps == 4


def test_a_restart_is_one_schedule_after_another():
    first, second = WarmupCosine(0.4, 2, 10), WarmupCosine(0.1, 1, 4)
    rate = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(Restart(first, 10, second))
    )
    expected = [float(first(step)) for step in range(10)]
    expected += [float(second(step)) for step in range(4)]
    assert [float(rate(step)) for step in range(14)] == pytest.approx(
        expected, abs=1e-6
    )
    assert expected[9] < 0.02 < expected[11] == pytest.approx(0.1)
