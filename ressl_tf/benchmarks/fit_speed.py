"""`fit` with its views against the bare step on views in memory."""

import time
from typing import Any

import keras

from ressl_tf.benchmarks import profiling, timing
from ressl_tf.benchmarks.step_speed import training_step
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.data.pipeline import steps_per_epoch, training_batches
from ressl_tf.methods.build import make_model
from ressl_tf.pretraining.image_run import open_training_source


class Clock(keras.callbacks.Callback):
    """A callback that ends `fit` after some time, and counts its steps.

    Time and steps count from the end of the first step.

    Args:
        seconds: How long `fit` runs.
    """

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds, self.steps, self.started, self.passed = seconds, -1, 0.0, 0.0

    def on_train_batch_end(self, batch, logs=None):
        """Count the step, and stop when the time is up."""
        self.steps += 1
        now = time.perf_counter()
        if not self.steps:
            self.started = now
        self.passed = now - self.started
        self.model.stop_training = self.steps > 0 and self.passed >= self.seconds


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure `fit_vs_step`, the fraction of the bare step's throughput in `fit`."""
    source = open_training_source(config)
    model = make_model(config, steps_per_epoch(source, config.batch_size))
    batches = training_batches(
        source,
        model.views,
        batch_size=config.batch_size,
        seed=config.seed,
        stop_step=2**30,
    )
    views = next(iter(batches))

    def fitted(seconds: float) -> float:
        clock = Clock(seconds)
        model.fit(batches, verbose=0, shuffle=False, callbacks=[clock])
        return clock.steps * config.batch_size / clock.passed

    candidates = {"fit": fitted, "step": training_step(model, views)}
    rates = timing.benchmark(candidates, config.repeats, config.seconds)
    profiling.trace(config, {"fit": fitted})
    return {
        "fit_vs_step": rates["fit"].over(rates["step"]),
        "fit_images_per_second": rates["fit"].median,
        "step_images_per_second": rates["step"].median,
        "spread": rates["fit"].spread,
        "dataset": config.dataset,
    }
