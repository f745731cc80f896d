"""Several steps an execution, and steps compiled by XLA."""

import pytest
from helpers.models import tiny_model
from helpers.steps import assert_close, dataset, values

from ressl_tf.engine.optimizers import SGD


@pytest.mark.slow
def test_executions_of_several_steps_end_with_the_epoch(images):
    """Executions of 4 steps in epochs of 3: the same weights, and no step too many."""
    one, several = tiny_model(), tiny_model()
    several.compile(SGD(0.1), steps_per_execution=4)
    for model in (one, several):
        history = model.fit(
            dataset(images, 6), epochs=2, steps_per_epoch=3, shuffle=False, verbose=0
        )
        assert len(history.history["loss"]) == 2
        assert int(model.step.numpy()) == 6
    assert_close(values(one), values(several), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 2])
def test_xla_compiles_the_whole_step(images, parts):
    """A TPU runs this: no op of the host, no shape that is known only when it runs."""
    options = {"shuffle_target": True, "gradient_accumulation": parts}
    plain, compiled = tiny_model(**options), tiny_model(**options)
    compiled.compile(SGD(0.1), jit_compile=True)
    for model in (plain, compiled):
        model.fit(dataset(images, 2), shuffle=False, verbose=0)
    assert_close(values(plain), values(compiled), atol=1e-4)
