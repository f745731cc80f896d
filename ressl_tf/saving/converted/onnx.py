"""Files of ONNX: written by tf2onnx, run by ONNX Runtime."""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ressl_tf.runtime.errors import UsageError, reason_of
from ressl_tf.saving.converted.forward import Forward, Run

RUNTIME = "ONNX Runtime"
INSTALL = "pip install 'ressl_tf[onnx]'"
OPSET = 17  # of ONNX 1.12 (2022): ONNX Runtime 1.12 and newer run it
SILENT = 4  # ONNX Runtime's level of fatal errors alone


def check_installed() -> None:
    """Refuse a machine without the converter.

    Raises:
        UsageError: says what installs it.
    """
    if importlib.util.find_spec("tf2onnx") is None:
        raise UsageError(f"--format=onnx needs tf2onnx: {INSTALL}")


def runs_here() -> bool:
    """Return whether ONNX Runtime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


def convert(source: Forward) -> bytes:
    """Return the file of a model.

    Raises:
        UsageError: it has operations that tf2onnx does not know.
    """
    import onnx
    import tf2onnx

    try:
        with _silent():
            made, _ = tf2onnx.convert.from_function(
                source.function,
                input_signature=[source.spec],
                opset=OPSET,
                custom_op_handlers={"Erfc": (_erfc, [])},
            )
    except Exception as error:  # the converter raises many
        raise UsageError(
            f"--format=onnx cannot convert the network: {reason_of(error)}; use "
            "--format=saved_model or litert"
        ) from None
    # tf2onnx copies what it does not know into the file, which then cannot run.
    unknown = {n.op_type for n in made.graph.node if not _known(onnx, n)}
    if unknown:
        raise UsageError(
            f"--format=onnx has no {', '.join(sorted(unknown))}, which the network "
            "needs; use --format=saved_model or litert"
        )
    return made.SerializeToString()


def _known(onnx: Any, node: Any) -> bool:
    return onnx.defs.has(node.op_type, node.domain)


def _erfc(graph: Any, node: Any, *_: Any) -> None:
    """Write erfc(x), of the exact GELU, as 1 - erf(x)."""
    output = node.output[0]
    kept = {"shapes": [graph.get_shape(output)], "dtypes": [graph.get_dtype(output)]}
    graph.remove_node(node.name)
    one = graph.make_const(f"{node.name}/one", np.float32(1))
    error = graph.make_node("Erf", [node.input[0]], **kept)
    of = [one.output[0], error.output[0]]
    graph.make_node("Sub", of, outputs=[output], name=node.name, **kept)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Leave out tf2onnx's own log: what fails is said in one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def opened(path: str | os.PathLike[str]) -> Run:
    """Open a file for inference on one thread of the CPU.

    Args:
        path: of the file.

    Returns:
        A function from a batch of images to outputs by their names.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    session = onnxruntime.InferenceSession(
        os.fspath(path), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]

    def run(images):
        return dict(zip(names, session.run(None, {"images": images}), strict=True))

    return run
