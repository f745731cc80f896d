"""Write a file of LiteRT or ONNX, once its numbers have been checked."""

import contextlib
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.models.pyramid import Level
from ressl_tf.runtime import host
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.converted import checking, litert, onnx
from ressl_tf.saving.converted.forward import Forward, forward
from ressl_tf.saving.converted.photos import Photos, RandomPixels, open_photos
from ressl_tf.saving.pretrained import Pretrained

log = logging.getLogger("ressl_tf")
ANY_SIZE = 224  # side of random pixels where nothing says the size of the images
Images = Photos | RandomPixels


def input_type(config: ExportConfig, pretrained: Pretrained) -> str:
    """Return the type of the images that the file takes."""
    if config.input_type != "auto":
        return config.input_type
    deep = pretrained.config.get("pixels") == "float32"
    return "float32" if deep else "uint8"


@contextlib.contextmanager
def written(
    config: ExportConfig,
    pretrained: Pretrained,
    model: Any,
    outputs: tuple[str, ...],
    levels: dict[str, Level],
) -> Iterator[dict[str, Any]]:
    """Write the file, check it, and put it in its place when the body is done.

    Yields:
        The facts that are known of it now: "bytes", "input_type", "checked".

    Raises:
        UsageError: it cannot be converted, or there are no photos for int8.
        RunError: its numbers are not those of the model; nothing is kept.
    """
    dtype = input_type(config, pretrained)
    source = forward(model, config.image_size or None, outputs, levels, dtype)
    calibrated, checked = _images(config, pretrained, source)
    if config.format == "onnx":
        file = onnx.convert(source)
    else:
        file = litert.convert(source, config.precision, calibrated.batches)
    with replacing(config.path) as temporary:
        temporary.write_bytes(file)
        yield {
            "bytes": len(file),
            "input_type": dtype,
            "precision": config.precision,
            "checked": _checked(config, source, checked, temporary),
        }


def _images(
    config: ExportConfig, pretrained: Pretrained, source: Forward
) -> tuple[Images, Images]:
    """Return images to calibrate with and to check on."""
    height, width, channels = source.spec.shape[1:]
    size = height or pretrained.image_size or ANY_SIZE
    dtype = source.spec.dtype.name
    if config.dataset or config.precision == "int8":
        if width != height:
            raise UsageError(f"photos are square, and images {height} x {width}")
        return open_photos(config, pretrained, size, dtype)
    shape = (height or size, width or size, channels)
    return (RandomPixels(shape, dtype),) * 2


def _checked(
    config: ExportConfig, source: Forward, images: Images, path: pathlib.Path
) -> dict[str, Any] | None:
    """Return the figures of the file; None where its runtime is not installed."""
    if config.format == "onnx" and not onnx.runs_here():
        log.warning("not checked, as ONNX Runtime is not installed: %s", onnx.INSTALL)
        return None
    one = next(iter(images.batches()))[:1]
    run = onnx.opened(path) if config.format == "onnx" else litert.opened(path, one)
    figures = checking.compare(source, run, images.batches())
    _judge(figures, config)
    return {
        "runtime": onnx.RUNTIME if config.format == "onnx" else litert.RUNTIME,
        "images": images.size,
        "of": "photos" if isinstance(images, Photos) else "random pixels",
        **figures,
        "latency_ms": checking.latency(run, one),
        "threads": 1,
        "cpu": host.processor(),
    }


def _judge(figures: dict[str, Any], config: ExportConfig) -> None:
    """Warn of what int8 lost; refuse a file whose numbers are wrong.

    Raises:
        RunError: float32 or float16 numbers differ by more than their bound.
    """
    wrong = checking.complaint(figures, config.precision)
    if wrong and config.precision == "int8":
        log.warning(
            "--precision=int8: %s; float16 or float32 lose less, and other photos of "
            "--dataset may help",
            wrong,
        )
    elif wrong:
        raise RunError(f"{config.path} is not kept, as it {wrong}")
