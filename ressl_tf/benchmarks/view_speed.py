"""Images a second of the weak and the strong view, ours and those of other libraries.

Sources are uint8 images in memory, of the sides in `SOURCES`; views are float images.
Ours go through the pipeline that training uses, without the decoding. A peer is a
process of its own (`scripts/bench_peers`) that transforms image by image in a worker
for each core and throws the result away: it pays for no transfer, which flatters it.
"""

import dataclasses
import importlib.util
from typing import Any, cast

import numpy as np
import tensorflow as tf

from ressl_tf.benchmarks import profiling, remote, timing
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.data.augment import views
from ressl_tf.data.augment.oriented import STORED_UPRIGHT
from ressl_tf.data.pipeline import training_batches
from ressl_tf.data.sources import MemorySource, Source

SOURCES = {32: 32, 224: 256}  # side of the view -> side of the source
COUNTS = {32: 4096, 224: 256}  # source images: more than the caches of a core hold
BATCHES = {32: 256, 224: 32}
MODULES = {"torchvision": "torchvision", "opencv": "cv2", "kerascv": "keras_cv"}
KINDS = ("weak", "strong", "pair")  # pair: a weak and a strong view of each image


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure rates and ratios: weak_32, strong_32, weak_224, strong_224, pair_224."""
    return {
        f"{kind}_{size}": _measure(config, kind, size)
        for size in SOURCES
        for kind in KINDS
        if (kind, size) != ("pair", 32)
    }


def _measure(config, kind, size) -> dict[str, Any]:
    peers = {name: remote.peer(name, kind, size) for name in peer_names(config)}
    ours = candidate(kind, size)
    candidates: dict[str, timing.Candidate] = {"ressl_tf": ours, **peers}
    try:
        rates = timing.benchmark(candidates, config.repeats, config.seconds)
    finally:
        for peer in peers.values():
            peer.close()
    profiling.trace(config, {f"{kind}_{size}": ours})
    mine = rates.pop("ressl_tf")
    ratios = {f"vs_{name}": mine.over(rate) for name, rate in rates.items()}
    figures = {f"{name}_images_per_second": rate.median for name, rate in rates.items()}
    return {
        "images_per_second": mine.median,
        "spread": mine.spread,
        **ratios,
        **figures,
    }


def peer_names(config: BenchConfig) -> list[str]:
    """Return the installed peers of views that are asked for.

    PIL replaces torchvision where that is missing. Outside of a source checkout there
    are none.
    """
    if not remote.script(remote.PEER_VIEWS):
        return []
    installed = [name for name in MODULES if importlib.util.find_spec(MODULES[name])]
    if "auto" in config.peers:
        return installed if "torchvision" in installed else ["pil", *installed]
    return [name for name in (*installed, "pil") if name in config.peers]


def candidate(kind: str, size: int) -> timing.Candidate:
    """Return a candidate that makes our views, through the training pipeline."""
    source = photos(COUNTS[size], SOURCES[size], stream=SOURCES[size] != size)
    both = {"weak": views.weak_view(size), "strong": views.strong_view(size)}
    layer = views.Views(both if kind == "pair" else {kind: both[kind]})
    batch = BATCHES[size]
    batches = training_batches(
        cast(Source, source), layer, batch_size=batch, seed=0, stop_step=2**30
    )

    def run(seconds: float) -> float:
        iterator = iter(batches)  # ends with the turn, and with it all prefetching
        next(iterator)
        return timing.repeated(lambda: next(iterator) and batch)(seconds)

    return run


@dataclasses.dataclass(frozen=True)
class DecodedSource:
    """Images in memory that are read one by one, as photos of many sizes are.

    It has what `training_batches` reads of a `data.sources.StreamSource`.
    """

    name: str
    images: tf.Tensor
    image_shape = None

    @property
    def size(self) -> int:
        """The number of images."""
        return len(self.images)

    def example_as_stored(
        self, row: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return (uint8 [height, width, 3], orientation, label) for a row, int64 []."""
        image = tf.ensure_shape(self.images[row], [None, None, 3])
        return image, tf.constant(STORED_UPRIGHT), tf.constant(-1)


def photos(count: int, side: int, stream: bool) -> MemorySource | DecodedSource:
    """Make smooth random colours, as JPEG photos have: [count, side, side, 3]."""
    coarse = np.random.default_rng(0).uniform(0, 255, (count, side // 8, side // 8, 3))
    with tf.device("CPU:0"):
        images = tf.cast(tf.image.resize(coarse, (side, side)), tf.uint8)
    if stream:
        return DecodedSource("photos", images)
    return MemorySource("photos", images, np.full(count, -1, np.int32), None, ())
