"""Write small files of the present formats, for tests of later versions.

    PYTHONPATH=. python tests/formats/write_small.py tests/formats/format_1

A file whose format number rises gets a folder of the new number; the older ones stay.
`tests/saving/test_small_formats.py` reads all of them with today's code.
"""

import json
import pathlib
import sys
import types

import keras
import numpy as np

from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate.embeddings import npz_file
from ressl_tf.evaluate.embeddings.table import Table
from ressl_tf.runtime import stored


def numbers(*shape: int) -> np.ndarray:
    """Return numbers that a test can make again, float32."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 8


def main(place: str) -> None:
    """Write a run's folder and a file of features."""
    folder = pathlib.Path(place)
    with Workdir(Config(workdir=str(folder / "run"), epochs=7)) as workdir:
        workdir.log({"epoch": 1, "step": 3, "loss": 1.5})
        Checkpoints(workdir.checkpoints).save(small_model())
    config = folder / "run" / "config.json"
    values = {**json.loads(config.read_text()), "workdir": "run"}
    config.write_text(json.dumps(values, indent=2) + "\n")
    (folder / "run" / "lock").unlink()
    features = numbers(3, 2)
    source = types.SimpleNamespace(label_names=("cat", "dog"), example_name=str)
    about = {stored.KEY: stored.FORMATS["file of features"], "image_size": 8}
    table = Table(
        source=source,
        rows=np.array([0, 1, 3]),
        labels=np.array([0, 1, -1], np.int32),
        shape=features.shape,
        dtype=features.dtype,
        blocks=lambda: iter([features]),
        about=about,
    )
    npz_file.write(folder / "features.npz", table)


def small_model() -> types.SimpleNamespace:
    """Return what a checkpoint needs of a model: one network of one variable."""
    network = types.SimpleNamespace(variables=[keras.Variable(numbers(2, 3))])
    return types.SimpleNamespace(
        step=keras.Variable(3, dtype="int64", trainable=False),
        networks={"online": network},
        weights=network.variables,
        optimizer=None,
        metrics_variables=[],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
