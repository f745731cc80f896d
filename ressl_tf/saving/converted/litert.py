"""Files of LiteRT, once TensorFlow Lite: written by its converter, run by it.

Numbers are float32, or float16 weights, or int8 after calibration (Jacob et al.,
Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference (CVPR 2018)): weights a channel, activations a tensor, with the ranges that
photos give. What has no integer kernel stays float32, as do the outputs.
"""

import importlib.util
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.runtime.errors import UsageError, reason_of
from ressl_tf.runtime.quiet_import import without_notes
from ressl_tf.saving.converted.forward import Forward, Run

RUNTIME = "LiteRT"
SIGNATURE = "serving_default"  # what the converter calls the only one
OPERATION = re.compile(r"tf\.(\w+)\(")


def convert(
    source: Forward, precision: str, photos: Callable[[], Iterable[np.ndarray]]
) -> bytes:
    """Return the file of a model.

    Args:
        source: the function to convert.
        precision: "float32", "float16" or "int8".
        photos: gives batches of photos, as `source` takes them; for int8 alone.

    Raises:
        UsageError: it has operations that LiteRT does not have.
    """
    function = source.function.get_concrete_function(source.spec)
    with without_notes():
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [function], source.root
        )
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            converter.representative_dataset = lambda: _one_by_one(photos())
        try:
            return converter.convert()
        except Exception as error:  # the converter raises many
            raise UsageError(_reason(error)) from None


def _one_by_one(batches: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
    for batch in batches:
        for row in range(len(batch)):
            yield [batch[row : row + 1]]


def _reason(error: Exception) -> str:
    """Name the operations that are missing, where the converter lists them."""
    listed = str(error).partition("Details:")[2]
    if names := sorted(set(OPERATION.findall(listed))):
        return (
            f"--format=litert has no {', '.join(names)}, which the network needs; use "
            "--format=saved_model or onnx"
        )
    return (
        f"--format=litert cannot convert the network: {reason_of(error)}; use "
        "--format=saved_model or onnx"
    )


def opened(path: str | os.PathLike[str], images: np.ndarray) -> Run:
    """Open a file for inference on one thread of the CPU.

    Args:
        path: of the file.
        images: a batch that it is tried on.

    Returns:
        A function from a batch of images to outputs by their names.
    """
    with without_notes(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*tf\.lite\.Interpreter is deprecated")
        interpreter = _interpreter()(model_path=os.fspath(path), num_threads=1)
        runner = interpreter.get_signature_runner(SIGNATURE)
        runner(images=images)  # the first time it prints a note
    return lambda images: runner(images=images)


def _interpreter() -> Any:
    """Return LiteRT's interpreter, or the one that TensorFlow still brings along."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        return tf.lite.Interpreter
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter
