"""`ressl_tf.embed`, from files to parts on the disk, against the bare forward pass."""

import pathlib
import tempfile
from typing import Any

import numpy as np

from ressl_tf.benchmarks import timing
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.data.load import list_source
from ressl_tf.data.readable import readable_batches
from ressl_tf.evaluate.embeddings.embed_loop import Loop
from ressl_tf.evaluate.embeddings.parts import Parts
from ressl_tf.evaluate.features import predictor
from ressl_tf.methods.build import make_model


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure `embed_vs_forward`, the fraction of the forward pass's throughput.

    The network has random weights; the images are those of `--dataset`, decoded anew.
    """
    source = list_source(config, config.split)
    model = make_model(config, 1).online.feature_model()
    flags = EmbedConfig(
        model="random weights",
        output="none.npz",
        batch_size=config.batch_size,
        log_seconds=0.0,
    )
    first = next(iter(readable_batches(source, config.image_size, config.batch_size)))
    predict = predictor(model)

    def work() -> int:
        return len(np.asarray(predict(first[1])))

    forward = timing.repeated(work)
    forward(config.seconds / 4)
    expected = forward(config.seconds / 4)

    def embedded(seconds: float) -> float:
        count = config.batch_size * max(4, round(expected * seconds / len(first[0])))
        some = source.take(np.arange(min(count, source.size)))
        with tempfile.TemporaryDirectory() as folder:
            loop = Loop(flags, some, model, config.image_size)
            return loop.run(Parts(pathlib.Path(folder))) or 0.0

    candidates = {"embed": embedded, "forward": forward}
    rates = timing.benchmark(candidates, config.repeats, config.seconds)
    return {
        "embed_vs_forward": rates["embed"].over(rates["forward"]),
        "embed_images_per_second": rates["embed"].median,
        "forward_images_per_second": rates["forward"].median,
        "spread": rates["embed"].spread,
        "dataset": config.dataset,
    }
