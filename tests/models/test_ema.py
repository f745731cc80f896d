"""The target network."""

import numpy as np
import pytest
from helpers.models import tiny_model

from ressl_tf.models import ema


def randomise(variables):
    generator = np.random.default_rng(0)
    for variable in variables:
        variable.assign(generator.normal(size=variable.shape))


def test_target_starts_as_an_exact_copy_with_nothing_to_train():
    model = tiny_model()
    online, target = model.online.variables, model.target.variables
    assert len(online) == len(target) == 14
    for source, copy in zip(online, target, strict=True):
        np.testing.assert_array_equal(source, copy)
        assert source is not copy
    assert model.target.trainable_variables == []


def test_update_averages_parameters_and_leaves_batch_statistics():
    model = tiny_model()
    randomise(model.online.variables)
    before = [v.numpy() for v in model.target.variables]
    ema.update(model.online, model.target, 0.9)
    moved = 0
    for online, target, old in zip(
        model.online.variables, model.target.variables, before, strict=True
    ):
        if "moving" in online.name:
            np.testing.assert_array_equal(target, old)
        else:
            np.testing.assert_allclose(
                target, 0.9 * old + 0.1 * online.numpy(), atol=1e-6
            )
            moved += 1
    assert moved == len(model.online.trainable_variables)


@pytest.mark.parametrize("momentum", [0.99, 0.996, 0.999])
def test_equal_networks_stay_equal_to_the_bit(momentum):
    model = tiny_model()
    randomise(model.online.variables)
    ema.copy(model.online, model.target)
    ema.update(model.online, model.target, momentum)
    for online, target in zip(
        model.online.variables, model.target.variables, strict=True
    ):
        np.testing.assert_array_equal(online, target)


def test_momentum_zero_copies_and_one_keeps():
    model = tiny_model()
    kept = [v.numpy() for v in model.target.variables]
    randomise(model.online.trainable_variables)
    ema.update(model.online, model.target, 1.0)
    for target, old in zip(model.target.variables, kept, strict=True):
        np.testing.assert_array_equal(target, old)
    ema.update(model.online, model.target, 0.0)
    for online, target in zip(
        model.online.variables, model.target.variables, strict=True
    ):
        np.testing.assert_allclose(target, online, atol=1e-6)
