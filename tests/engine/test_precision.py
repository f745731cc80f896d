"""Mixed precision and loss scaling."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_backbone, tiny_model
from helpers.steps import dataset, values, views_of

from ressl_tf.engine import precision
from ressl_tf.engine.checkpoint import state


def test_a_step_that_overflows_changes_nothing_but_the_counters(images):
    model = tiny_model()
    model.guard.undo_overflow = True
    model.loss_scale = precision.LossScale()
    model.train_on_batch(views_of(images))
    before = values(model)
    model.loss_scale.scale.assign(3e38)  # times the loss, beyond float32 too
    logs = model.train_on_batch(views_of(images), return_dict=True)
    after = values(model)
    changed = {
        name
        for name, value in after.items()
        if (value != before[name]).any() and not name.startswith("metrics")
    }
    names = {id(v): name for name, v in state(model).items()}
    counters = [model.step, model.optimizer.iterations, *model.loss_scale.variables]
    assert changed == {names[id(counter)] for counter in counters}
    assert int(model.step.numpy()) == int(model.optimizer.iterations.numpy()) == 2
    assert float(model.loss_scale.scale.numpy()) == pytest.approx(1.5e38)
    assert int(model.loss_scale.good_steps.numpy()) == 0
    assert logs["loss"] == 0.0  # the mean of no step
    model.loss_scale.scale.assign(2.0)
    model.train_on_batch(views_of(images))
    assert (model.online.weights[0].numpy() != after["online/000"]).any()


def test_the_loss_scale_doubles_after_long_peace():
    scale = precision.LossScale()
    scale.good_steps.assign(precision.DOUBLED_AFTER - 1)
    scale.update(tf.constant(True))
    assert float(scale.scale.numpy()) == 2 * precision.FIRST_SCALE
    assert int(scale.good_steps.numpy()) == 0
    scale.update(tf.constant(False))
    scale.update(tf.constant(True))
    assert float(scale.scale.numpy()) == precision.FIRST_SCALE
    assert int(scale.good_steps.numpy()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_16_bits_learn_what_32_learn(images, kind):
    """Loss, weights and queue are float32; the loss falls and stays close."""
    plain = tiny_model(queue_size=16)
    with precision.policy(kind):
        model = tiny_model(queue_size=16)
        assert tiny_backbone().compute_dtype == kind
    assert keras.config.dtype_policy().name == "float32"
    assert (model.loss_scale is not None) == (kind == "float16")
    losses = []
    for each in (plain, model):
        fitted = each.fit(
            dataset(images, 30), epochs=30, steps_per_epoch=1, verbose=0, shuffle=False
        )
        losses.append(fitted.history["loss"])
    assert losses[1][-1] < 0.95 * max(losses[1])
    np.testing.assert_allclose(*losses, rtol=0.05)
    assert {variable.dtype for variable in model.online.weights} == {"float32"}
    assert model.queue.keys.dtype == model.target(images).dtype == "float32"
    assert int(model.step.numpy()) == int(model.optimizer.iterations.numpy()) == 30


@pytest.mark.parametrize(
    ("flags", "kind", "emulated"),
    [
        ("fpu avx512f avx512_vnni", "bfloat16", True),
        ("fpu avx512f avx512_bf16", "bfloat16", False),
        ("fp asimd bf16", "bfloat16", False),
        ("fpu avx512_bf16", "float16", True),
        ("fpu avx512_fp16", "float16", False),
        ("fpu", "none", False),
    ],
)
def test_a_type_without_instructions_is_noticed(flags, kind, emulated, tmp_path):
    listed = tmp_path / "cpuinfo"
    listed.write_text(f"model name : x\nflags\t\t: {flags}\n")
    assert precision.emulated(kind, str(listed)) == emulated
    assert not precision.emulated(kind, str(tmp_path / "not_linux"))
