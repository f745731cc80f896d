"""ReSSL with a predictor and InfoNCE against plain NumPy."""

import pytest
from helpers import numpy_methods as reference
from helpers.method_steps import (
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
        pytest.param(
            {"infonce_warmup_steps": 5, "infonce_schedule": "linear"},
            {"infonce_weight": 0.4},
            id="linear",
        ),
        pytest.param(
            {"infonce_warmup_steps": 6, "infonce_schedule": "cosine"},
            {"infonce_weight": 0.5},
            id="cosine",
        ),
        pytest.param(
            {"infonce_warmup_steps": 4, "predictor_bn": False, "predictor_depth": 1},
            {"infonce_weight": 1.0, "predictor": ["affine"]},
            id="before",
        ),
        pytest.param(
            {"infonce_warmup_steps": 3, "predictor_depth": 3, "predictor_dim": 2},
            {
                "infonce_weight": 0.0,
                "predictor": [*reference.NORMED[:3]] * 2 + ["matrix"],
            },
            id="after",
        ),
    ],
)
def test_a_whole_step_equals_numpy(options, drawn):
    assert_step_equals_numpy(ressl_tf.ReSSLPlus, options, drawn)


def test_ressl_plus_without_predictor_and_warm_up_is_ressl():
    plain = tiny(ressl_tf.ReSSL)
    plus = tiny(ressl_tf.ReSSLPlus, predictor_depth=0, infonce_warmup_steps=0)
    plus.step.assign(0)  # where a warm-up would be in full force
    views = random_views(plain)
    assert_same_step(after_a_step(plain, views), after_a_step(plus, views))
