"""Measure another library's views: images a second, for `python -m ressl_tf.bench`.

    python scripts/bench_peers/peer_views.py LIBRARY weak|strong|pair SIZE

LIBRARY is torchvision, pil, opencv or kerascv. It measures once for every line of
stdin, which is a number of seconds, and answers with a line, its rate. Without ressl_tf
and, save for keras-cv, without TensorFlow: the workers are forks.
"""

import functools
import importlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable

import numpy as np

SOURCES = {32: 32, 224: 256}  # side of the view -> side of the source, as in view_speed
COUNTS = {32: 1024, 224: 64}
CHUNK = 8

Candidate = Callable[[float], float]  # seconds to run -> images a second


def candidate(library: str, kind: str, size: int) -> Candidate:
    """Return a function that makes views for so many seconds, on all cores."""
    module = importlib.import_module(f"{library}_views")
    images = make_images(COUNTS[size], SOURCES[size])
    if library == "kerascv":
        return repeated(module.batched(images, kind, size))
    kinds = ("weak", "strong") if kind == "pair" else (kind,)
    return in_workers([module.view(name, size) for name in kinds], module.load, images)


def make_images(count: int, side: int) -> np.ndarray:
    """Make images of smooth random colours: uint8 [count, side, side, 3]."""
    from PIL import Image

    coarse = np.random.default_rng(0).integers(
        0, 256, (count, side // 8, side // 8, 3), np.uint8
    )
    how = Image.Resampling.BILINEAR
    large = [Image.fromarray(image).resize((side, side), how) for image in coarse]
    return np.stack([np.asarray(image) for image in large])


def repeated(work: Callable[[], int]) -> Candidate:
    """Return a candidate that repeats `work`, which returns its count of images."""

    def run(seconds: float) -> float:
        done, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds or not done:
            done += work()
        return done / (passed or time.perf_counter() - start)

    return run


def in_workers(
    transforms: list[Callable], load: Callable, images: np.ndarray
) -> Candidate:
    """Return a candidate with a process for each core, which takes image by image."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # macOS and Windows have none
        count = len(os.sched_getaffinity(0))
    work = functools.partial(transform, transforms, [load(image) for image in images])
    pool = multiprocessing.get_context("fork").Pool(count, _start, (work,))

    def run(seconds: float) -> float:
        start = time.perf_counter()
        done = pool.map(_run, [seconds] * count, chunksize=1)
        return sum(done) / (time.perf_counter() - start)

    return run


def transform(transforms: list[Callable], images: list, seconds: float) -> int:
    """Apply all transforms to image after image for so many seconds.

    Returns:
        The count of images.
    """
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or not done:
        for image in images[:CHUNK]:
            for function in transforms:
                function(image)
        images = images[CHUNK:] + images[:CHUNK]
        done += CHUNK
    return done


_work: Callable[[float], int]  # of a worker


def _start(work: Callable[[float], int]) -> None:
    global _work
    np.random.seed(os.getpid())  # torchvision's own draws are seeded by torch
    _work = work


def _run(seconds: float) -> int:
    return _work(seconds)


def main() -> None:
    """Answer every line of stdin."""
    library, kind, size = sys.argv[1:]
    run = candidate(library, kind, int(size))
    for line in sys.stdin:
        print(run(float(line)), flush=True)


if __name__ == "__main__":
    main()
