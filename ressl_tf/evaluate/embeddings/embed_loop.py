"""The loop that computes features of a set and keeps them in parts."""

import logging
import sys
import time

import keras
import numpy as np

from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.data.readable import readable_batches
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import unreadable_example
from ressl_tf.engine.progress import as_time
from ressl_tf.evaluate.embeddings.parts import Part, Parts
from ressl_tf.evaluate.features import predictor
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.file_names import printable
from ressl_tf.runtime.signals import Watch

log = logging.getLogger("ressl_tf")
PART_BYTES = 64 * 2**20  # of features in memory before they are written
PART_SECONDS = 30.0  # what a kill costs at most
TERMINAL_SECONDS = 0.5  # between two states of a terminal's line


class Loop:
    """Reads the images of a source and computes what is written of them.

    Args:
        config: of the command.
        source: all images, readable or not.
        model: from raw images to features [batch, f].
        image_size: side of the images it gets.
    """

    def __init__(
        self, config: EmbedConfig, source: Source, model: keras.Model, image_size: int
    ):
        self.config, self.source, self.image_size = config, source, image_size
        self.predict = predictor(model)
        self.pending: list[Part] = []

    def run(self, parts: Parts) -> float | None:
        """Go on from the end of the parts to the end of the source.

        Returns:
            Images a second, without the first batch; None when that was all.

        Raises:
            Interrupted: SIGTERM or SIGINT asked it to stop; all that is done is kept.
            RunError: features are not finite, or an image cannot be read and the
                config says stop.
        """
        if parts.stop:
            log.info("%d of %d images are done", parts.stop, self.source.size)
        speed = Speed(parts.stop, self.source.size, self.config.log_seconds)
        batches = readable_batches(
            self.source, self.image_size, self.config.batch_size, parts.stop
        )
        written = time.monotonic()
        with Watch() as watch:
            for batch in batches:
                after = self._add(parts.stop, *batch)
                speed.show(after)
                if self._is_full() or time.monotonic() - written > PART_SECONDS:
                    self._keep(parts, after)
                    written = time.monotonic()
                if watch.asked:
                    self._keep(parts, after)
                    raise Interrupted(
                        f"stopped by {watch.asked} after {after} of "
                        f"{self.source.size} images",
                        {"command": "embed", "images_done": after},
                        watch.asked,
                    )
            self._keep(parts, self.source.size)
        return speed.finish()

    def _add(self, start: int, rows, images, labels) -> int:
        """Compute the features of a batch; return the row after it."""
        rows = rows.numpy()
        before = int(self.pending[-1].rows[-1]) + 1 if self.pending else start
        if self.config.on_bad_image == "stop":
            self._refuse_gap(before, rows)
        features = np.asarray(self.predict(images))
        features = self._as_dtype(features, rows)
        self.pending.append(Part(rows, labels.numpy(), features))
        return int(rows[-1]) + 1

    def _refuse_gap(self, before: int, rows: np.ndarray) -> None:
        expected = np.arange(before, before + len(rows))
        if not np.array_equal(rows, expected):
            row = int(expected[rows != expected][0])
            raise unreadable_example(self.source, row)

    def _as_dtype(self, features: np.ndarray, rows: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            converted = features.astype(self.config.dtype)
        if np.isfinite(converted).all():
            return converted
        if np.isfinite(features).all():
            raise RunError(
                f"features reach {np.abs(features).max():g}, which float16 cannot "
                "hold; give --dtype=float32"
            )
        bad = rows[~np.isfinite(features).all(axis=1)][0]
        name = printable(self.source.example_name(int(bad)))
        raise RunError(f"the features of {name} are not finite: the encoder is broken")

    def _is_full(self) -> bool:
        return sum(part.features.nbytes for part in self.pending) >= PART_BYTES

    def _keep(self, parts: Parts, stop: int) -> None:
        """Write what is pending as one part that ends before row `stop`."""
        if not self.pending:
            return
        columns = zip(
            *((p.rows, p.labels, p.features) for p in self.pending), strict=True
        )
        parts.add(stop, Part(*map(np.concatenate, columns)))
        self.pending = []


class Speed:
    """Progress on stderr: images, images a second, time left.

    Args:
        done: rows that were done before.
        total: rows of the set.
        seconds: between two lines where stderr is no terminal; 0 for none.
    """

    def __init__(self, done: int, total: int, seconds: float):
        self.begun, self.total, self.seconds = done, total, seconds
        self.in_terminal = sys.stderr.isatty()
        self.first: tuple[int, float] | None = None
        self.done, self.told = done, time.perf_counter()

    def show(self, done: int) -> None:
        """Say how far it is, where it is time to; the first batch compiles."""
        now, self.done = time.perf_counter(), done
        self.first = self.first or (done, now)
        wait = TERMINAL_SECONDS if self.in_terminal else self.seconds
        if not wait or now - self.told < wait or done == self.first[0]:
            return
        self.told = now
        rate = self.rate(now) or 1.0
        state = f"{done:,} of {self.total:,} images  {rate:,.0f} images/s"
        state += f"  left: {as_time((self.total - done) / rate)}"
        if self.in_terminal:
            sys.stderr.write(f"\r{state:<80}")
            sys.stderr.flush()
        else:
            log.info(state)

    def rate(self, now: float) -> float | None:
        """Return images a second since the first batch."""
        if self.first is None or self.done == self.first[0]:
            return None
        return (self.done - self.first[0]) / (now - self.first[1])

    def finish(self) -> float | None:
        """Return the final speed, and end the terminal's line."""
        if self.in_terminal and self.done > self.begun:
            sys.stderr.write("\n")
        return self.rate(time.perf_counter())
