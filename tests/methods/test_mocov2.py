"""MoCo v2 against plain NumPy."""

from helpers.method_steps import assert_step_equals_numpy

import ressl_tf


def test_a_whole_step_equals_numpy():
    assert_step_equals_numpy(ressl_tf.MoCoV2, {}, {})
