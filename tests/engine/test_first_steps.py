"""The hash is of the weights after the step that is named, once and for all."""

import json

import keras
import pytest
from helpers.models import tiny_model

from ressl_tf.config import Config
from ressl_tf.engine import first_steps
from ressl_tf.engine.checkpoint import weights_sha256
from ressl_tf.engine.first_steps import RememberFirstSteps


class Hashes(keras.callbacks.Callback):
    """The hash after every step."""

    def __init__(self):
        super().__init__()
        self.after = {}

    def on_train_batch_end(self, batch, logs=None):
        self.after[int(self.model.step.numpy())] = weights_sha256(self.model)


def remember(folder, last_step=100):
    return RememberFirstSteps(folder, Config(), last_step, lambda: {"cpu": "a"})


@pytest.mark.slow
def test_the_step_is_the_20th_the_last_or_none(images, tmp_path, monkeypatch):
    monkeypatch.setattr(first_steps, "STEPS", 3)
    model, hashes = tiny_model(), Hashes()
    short, usual, later = (tmp_path / name for name in "abc")
    for folder in (short, usual, later):
        folder.mkdir()
    watchers = [remember(short, last_step=2), remember(usual), hashes]
    model.fit(images, batch_size=6, epochs=2, callbacks=watchers, verbose=0)
    for folder, step in ((short, 2), (usual, 3)):
        kept = json.loads((folder / first_steps.FILE).read_text())
        assert (kept["step"], kept["weights_sha256"]) == (step, hashes.after[step])
        assert kept["made_with"] == {"cpu": "a"}
        assert kept["config"]["method"] == "ressl"
    before = (usual / first_steps.FILE).read_text()
    more = [remember(usual), remember(later)]  # of a run that goes on from step 4
    model.fit(images, batch_size=6, callbacks=more, verbose=0)
    assert (usual / first_steps.FILE).read_text() == before
    assert not (later / first_steps.FILE).exists()
