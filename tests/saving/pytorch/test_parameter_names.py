"""Names and axes of parameters, to Keras and back."""

import numpy as np
from helpers.torch_states import network, without

from ressl_tf.saving.pytorch.parameter_names import to_keras, to_pytorch


def test_names_and_axes_go_both_ways():
    state = network("resnet50", kernel=3)
    there = to_keras(state)
    assert there["layer2_0_downsample_0/kernel"].shape == (1, 1, 16, 32)
    weight = state["layer1.0.conv2.weight"]
    assert there["layer1_0_conv2/kernel"][0, 2, 1, 3] == weight[3, 1, 0, 2]
    back = to_pytorch(there)
    assert set(back) == set(state)
    for name in without(state, "num_batches_tracked"):
        np.testing.assert_array_equal(back[name], state[name])
    assert back["bn1.num_batches_tracked"].dtype == np.int64
