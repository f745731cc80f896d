"""The architecture is read off a state dict."""

import numpy as np
import pytest
from helpers.torch_states import network, without

from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch.architecture import Architecture, find_architecture


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (without(network(), "layer4.1.conv1.weight"), None),
        (
            network() | {"layer3.2.conv1.weight": np.ones(1)},
            r"Received: basic \[2, 2, 3",
        ),
        (without(network(), "0.conv2.weight"), None),
        (network() | {"conv1.weight": np.ones((4, 3, 5, 5))}, r"\[4, 3, 5, 5\]"),
        (network() | {"conv1.weight": np.ones((4, 65, 7, 7))}, r"\[4, 65, 7, 7\]"),
        (network() | {"conv1.weight": np.ones((4, 0, 7, 7))}, r"\[4, 0, 7, 7\]"),
    ],
)
def test_only_our_resnets_are_taken(state, message):
    if message is None:
        assert (
            find_architecture(state).backbone == "resnet18"
        )  # `fill` misses the layer
        return
    with pytest.raises(UsageError, match=message) as error:
        find_architecture(state)
    assert "\n" not in str(error.value)


def test_the_architecture_is_read_off_the_weights():
    kernels = {"resnet18": 3, "resnet34": 7, "resnet50": 3, "resnet101": 7}
    for name, kernel in kernels.items():
        found = find_architecture(network(name, kernel, base=8, channels=kernel))
        stem = "standard" if kernel == 7 else "small"
        assert found == Architecture(name, 1 / 8, stem, kernel)


def test_other_networks_have_no_converter():
    state = {"stem.conv.weight": np.ones((8, 3, 3, 3)), "stem.bn.weight": np.ones(8)}
    with pytest.raises(UsageError, match=r"no converter.*stem\.conv\.weight") as error:
        find_architecture(state)
    assert "\n" not in str(error.value)
