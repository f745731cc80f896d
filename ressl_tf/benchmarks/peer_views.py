"""A process that makes another library's views: LIBRARY weak|strong|pair SIZE.

Without TensorFlow, save for keras-cv: the workers are forks.
"""

import functools
import importlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable

import numpy as np

from ressl_tf.benchmarks.remote import answer
from ressl_tf.benchmarks.timing import Contender, repeated

SOURCES = {32: 32, 224: 256}  # side of the view -> side of the source
COUNTS = {32: 1024, 224: 64}
CHUNK = 8


def contender(library: str, kind: str, size: int) -> Contender:
    """What makes views of `kind` for so many seconds, on all cores."""
    module = importlib.import_module(f"ressl_tf.benchmarking.peers.{library}_views")
    images = _images(COUNTS[size], SOURCES[size])
    if library == "kerascv":
        return repeated(module.batched(images, kind, size))
    kinds = ("weak", "strong") if kind == "pair" else (kind,)
    return in_workers([module.view(name, size) for name in kinds], module.load, images)


def _images(count, side):
    """Smooth random colours: uint8 [count, side, side, 3]."""
    from PIL import Image

    coarse = np.random.default_rng(0).integers(
        0, 256, (count, side // 8, side // 8, 3), np.uint8
    )
    large = [Image.fromarray(c).resize((side, side), Image.BILINEAR) for c in coarse]
    return np.stack([np.asarray(image) for image in large])


def in_workers(
    transforms: list[Callable], load: Callable, images: np.ndarray
) -> Contender:
    """Applies the transforms to image after image, in a process for each core."""
    count = len(os.sched_getaffinity(0))
    work = functools.partial(_work, transforms, [load(image) for image in images])
    pool = multiprocessing.get_context("fork").Pool(count, _start, (work,))

    def run(seconds: float) -> float:
        start = time.perf_counter()
        done = pool.map(_run, [seconds] * count, chunksize=1)
        return sum(done) / (time.perf_counter() - start)

    return run


def _work(transforms, images, seconds):
    """How many images were transformed in so many seconds."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or not done:
        for image in images[:CHUNK]:
            for transform in transforms:
                transform(image)
        images = images[CHUNK:] + images[:CHUNK]
        done += CHUNK
    return done


def _start(work):
    np.random.seed(os.getpid())  # torchvision's own draws are seeded by torch
    _run.work = work


def _run(seconds):
    return _run.work(seconds)


def main() -> None:
    library, kind, size = sys.argv[1:]
    answer(contender(library, kind, int(size)))


if __name__ == "__main__":
    main()
