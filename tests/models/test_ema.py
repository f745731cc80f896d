"""The target network."""

import numpy as np
import pytest
from helpers.models import tiny_backbone, tiny_model

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


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_frozen_backbone_keeps_its_features_while_the_targets_statistics_move(
    images, when
):
    """As a Keras user expects of `trainable = False`, before or after construction."""
    backbone = tiny_backbone()
    backbone.trainable = when != "before"
    model = tiny_model(backbone=backbone)
    model.online.backbone.trainable = False
    frozen = [v.numpy() for v in backbone.variables]
    moving = [v for v in model.target.backbone.variables if "moving" in v.name]
    before = [v.numpy() for v in moving]
    features = model.predict(images, verbose=0)
    projector = model.online.projector.variables[0].numpy()
    model.fit(images, batch_size=4, verbose=0)
    np.testing.assert_array_equal(model.predict(images, verbose=0), features)
    for variable, value in zip(backbone.variables, frozen, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert all(np.abs(v - b).max() > 0 for v, b in zip(moving, before, strict=True))
    assert np.abs(model.online.projector.variables[0] - projector).max() > 0


def test_the_target_goes_on_following_what_is_frozen_later():
    model = tiny_model()
    randomise(model.online.variables)
    model.online.trainable = False
    ema.update(model.online, model.target, 0.0)
    for online, target in zip(
        model.online.variables, model.target.variables, strict=True
    ):
        if "moving" not in online.name:
            np.testing.assert_allclose(target, online, atol=1e-6)
