"""Photos that an export is calibrated with and checked on, or random pixels."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ressl_tf.config.decoding import MAX_PIXELS
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches, evaluation_rows
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import Pretrained

CALIBRATED, CHECKED = 200, 500
BATCH = 16
RANDOM = 20  # images of random pixels: a whole batch and a part of one


@dataclasses.dataclass(frozen=True)
class Photos:
    """Some images of a set, read anew each time.

    Attributes:
        source: the images.
        image_size: side in pixels.
        dtype: of the batches.
    """

    source: Source
    image_size: int
    dtype: str

    @property
    def size(self) -> int:
        """Number of images."""
        return self.source.size

    def batches(self) -> Iterator[np.ndarray]:
        """Yield images [batch, size, size, c] on 0..255, cropped as to evaluate.

        Raises:
            RunError: one cannot be read.
        """
        with bad_images_as_run_errors():
            for images, _ in evaluation_batches(self.source, self.image_size, BATCH):
                yield as_type(np.asarray(images), self.dtype)


@dataclasses.dataclass(frozen=True)
class RandomPixels:
    """Images of random pixels, the same each time.

    Attributes:
        shape: of an image.
        dtype: of the batches.
    """

    shape: tuple[int, int, int]
    dtype: str
    size: int = RANDOM

    def batches(self) -> Iterator[np.ndarray]:
        """Yield images [batch, h, w, c] on 0..255."""
        drawn = np.random.default_rng(0).uniform(0, 255, (self.size, *self.shape))
        for first in range(0, self.size, BATCH):
            yield as_type(drawn[first : first + BATCH], self.dtype)


def as_type(images: np.ndarray, dtype: str) -> np.ndarray:
    """Return images on 0..255 in another type, rounded where it has no fractions."""
    if dtype == "uint8":
        images = np.clip(np.rint(images), 0, 255)
    return images.astype(dtype)


def open_photos(
    config: ExportConfig, pretrained: Pretrained, image_size: int, dtype: str
) -> tuple[Photos, Photos]:
    """Return photos to calibrate with and others to check on, at random.

    Of a set of a few alone, all are both.

    Raises:
        UsageError: nothing says the set, or it is not there.
    """
    if not config.dataset and not pretrained.config.get("dataset"):
        raise UsageError(
            "--precision=int8 measures its ranges on photos: give --dataset, such as "
            f"folder:/photos. Received: {pretrained.path}, which does not say what it "
            "was trained on"
        )
    source = _source(config, pretrained)
    rows = evaluation_rows(source.size, CALIBRATED + CHECKED).numpy()
    calibrates = np.arange(len(rows)) % 7 < 2  # 200 of 700
    if len(rows) < CALIBRATED:
        parts = (rows, rows)
    else:
        parts = (rows[calibrates], rows[~calibrates])
    calibrated, checked = (
        Photos(source.take(some), image_size, dtype) for some in parts
    )
    return calibrated, checked


def _source(config: ExportConfig, pretrained: Pretrained) -> Source:
    dataset, data_dir = pretrained.data_or(config.dataset, config.data_dir)
    decoding = pretrained.decoding_or("auto", "auto")
    exif = "apply" if decoding["exif"] == "auto" else decoding["exif"]
    same = config.dataset in ("", pretrained.config.get("dataset"))
    skips = same and pretrained.config.get("on_bad_image") == "skip"
    return load_source(
        dataset,
        config.split,
        data_dir=data_dir,
        on_bad_image="skip" if skips else "stop",  # skip decodes the whole set
        max_pixels=pretrained.config.get("max_pixels", MAX_PIXELS),
        cache="none",
        labels="none",
        channels=pretrained.encoder.channels,
        **{**decoding, "exif": exif},
    )
