"""ReCo against plain NumPy, and what it mixes."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.method_steps import (
    BATCH,
    after_a_step,
    assert_same_step,
    assert_step_equals_numpy,
    random_views,
    tiny,
)

import ressl_tf


@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        pytest.param({}, {"lambda1": 1.0, "lambda2": 1.0}, id="cutmix"),
        pytest.param(
            {"interpolation": "mixup", "lambda1": 0.3, "lambda2": 0.7},
            {"lambda1": 0.3, "lambda2": 0.7},
            id="mixup",
        ),
        pytest.param(
            {"mixed_target": "key"},
            {"mixed_target": "key", "lambda1": 1.0, "lambda2": 1.0},
            id="key",
        ),
    ],
)
def test_a_whole_step_equals_numpy(options, drawn):
    assert_step_equals_numpy(ressl_tf.ReCo, options, drawn)


def test_reco_without_its_two_terms_is_mocov2():
    views = random_views(tiny(ressl_tf.ReCo))
    reco = after_a_step(tiny(ressl_tf.ReCo, lambda1=0.0, lambda2=0.0), views)
    moco = after_a_step(tiny(ressl_tf.MoCoV2), views)
    assert_same_step(reco[:-1], moco)  # the last is the queue of weak keys


def test_reco_mixes_each_query_with_the_key_of_another_image():
    """Every image has one value of its own: a pixel says where it comes from."""
    model = tiny(ressl_tf.ReCo)
    shape, number = (BATCH, 16, 16, 3), np.arange(BATCH)[:, None, None, None]
    views = {
        "query": np.full(shape, 0.0) + number,
        "key": np.full(shape, 100.0) + number,
    }
    views = {name: tf.constant(image, tf.float32) for name, image in views.items()}
    seen = set()
    for seed in range(12):
        mixed = model.mix_views(views, tf.constant([seed, 0]))
        pixels, partner = mixed["mixed"].numpy(), mixed["partner"].numpy()
        assert sorted(partner) == list(range(BATCH))
        pasted = pixels[0, :, :, 0] >= 100
        expected = np.where(
            pasted[None, :, :, None], 100 + partner[:, None, None, None], number
        )
        np.testing.assert_array_equal(pixels, np.broadcast_to(expected, shape))
        assert float(mixed["fraction"]) == pytest.approx(1 - pasted.mean())
        rows, columns = pasted.any(1), pasted.any(0)
        np.testing.assert_array_equal(pasted, rows[:, None] & columns[None])  # a box
        seen.add(pasted.tobytes())
    assert len(seen) > 6
