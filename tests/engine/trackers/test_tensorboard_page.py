"""TensorBoard's own reader finds hparams, pictures, the result and the projector."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from ressl_tf.config import Config
from ressl_tf.engine.trackers.tensorboard_page import EpochScalars, TensorBoard
from ressl_tf.engine.workdir import to_json
from ressl_tf.runtime.errors import UsageError


def test_hparams_pictures_and_result(tmp_path):
    config = to_json(Config(epochs=7, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2)))
    tracker = TensorBoard(tmp_path, config)
    image = np.random.default_rng(0).integers(0, 255, (4, 6, 3)).astype(np.uint8)
    (tmp_path / "views.png").write_bytes(tf.io.encode_png(image).numpy())
    tracker.picture(tmp_path / "views.png", step=3)
    tracker.embedding(lambda folder: (folder / "features.tsv").write_text("1"))
    tracker.result({"steps": 9, "loss": 1.5})
    tracker.close("finished")
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    stored = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hparams = metadata.parse_session_start_info_plugin_data(stored).hparams
    assert hparams["epochs"].number_value == 7
    assert hparams["mean"].string_value == "0.5,0.4,0.3"
    assert hparams["method"].string_value == "ressl"
    assert "anchor_alpha" not in hparams  # of graphs
    (drawn,) = events.Tensors("views")
    assert drawn.step == 3
    width, height, png = tf.make_ndarray(drawn.tensor_proto)
    assert (width, height) == (b"6", b"4")
    np.testing.assert_array_equal(tf.io.decode_png(png), image)
    (text,) = events.Tensors("result")
    assert text.step == 9
    assert b"| loss | 1.5 |" in tf.make_ndarray(text.tensor_proto)[()]
    assert (tmp_path / "tensorboard" / "features.tsv").exists()


def test_scalars_are_those_of_keras(tmp_path):
    writers = (
        keras.callbacks.TensorBoard(str(tmp_path / "keras")),
        EpochScalars(tmp_path / "ours" / "train"),
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    for _ in range(2):  # calls of `fit`
        model.fit(
            np.ones((4, 1)), np.ones((4, 1)), epochs=2, callbacks=writers, verbose=0
        )
    theirs, ours = (scalars(tmp_path / name / "train") for name in ("keras", "ours"))
    assert ours["epoch_loss"] == theirs["epoch_loss"]
    assert [step for step, _ in ours["epoch_loss"]] == [0, 1, 0, 1]


def scalars(folder):
    """Return tag -> (step, value) of all files of a folder, in the order of time."""
    found = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime):
        events = EventAccumulator(str(path)).Reload()
        for tag in events.Tags()["tensors"]:
            if tag.startswith("epoch_"):
                found.setdefault(tag, []).extend(
                    (event.step, tf.make_ndarray(event.tensor_proto).item())
                    for event in events.Tensors(tag)
                )
    return found


@pytest.mark.skipif(os.name == "nt", reason="names there are text")
def test_a_folder_that_it_cannot_write_to_is_one_line(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    with pytest.raises(UsageError, match=r"--notensorboard\): .*Received: .*caf\\xe9"):
        TensorBoard(folder, {})
    TensorBoard(tmp_path / "two\nlines", to_json(Config())).close("finished")
