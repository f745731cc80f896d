"""Training of classifiers."""

import numpy as np

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.evaluate import supervised


def test_the_step_schedule_divides_at_its_epochs():
    config = LinearConfig(
        workdir="x",
        lr_schedule="step",
        epochs=10,
        learning_rate=30.0,
        decay_at=(0.6, 0.8),
    )
    rate = supervised.make_optimizer(config, per_epoch=7, multipliers=None)
    schedule = rate._learning_rate
    steps = [0, 41, 42, 55, 56, 69]  # epochs 0, 5, 6, 7, 8, 9
    rates = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(rates, [30, 30, 3, 3, 0.3, 0.3], rtol=1e-6)
