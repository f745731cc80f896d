"""Files of every format so far are read by today's code."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from formats import write_small

from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate.embeddings import embedded
from ressl_tf.runtime import stored
from ressl_tf.saving.pretrained import stored_config

FOLDERS = sorted(pathlib.Path(write_small.__file__).parent.glob("format_*"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request, tmp_path):
    """Return a copy, as opening a run writes into it."""
    return shutil.copytree(request.param, tmp_path / "copy")


def test_every_number_so_far_has_a_folder():
    numbers = {int(folder.name.rpartition("_")[2]) for folder in FOLDERS}
    assert numbers == set(range(1, max(stored.FORMATS.values()) + 1))


def test_a_run_is_read_and_gone_on_with(folder):
    assert stored_config(folder / "run").epochs == 7
    with Workdir(Config(workdir=str(folder / "run"), epochs=7)) as workdir:
        assert workdir.rows() == [{"epoch": 1, "step": 3, "loss": 1.5}]
    config = json.loads((folder / "run" / "config.json").read_text())
    assert config[stored.KEY] == stored.FORMATS["run"]


def test_a_checkpoint_is_restored(folder):
    model = write_small.small_model()
    for variable in (model.step, *model.weights):
        variable.assign(0 * variable)
    assert Checkpoints(folder / "run" / "checkpoints").restore(model)
    np.testing.assert_array_equal(model.weights[0], write_small.numbers(2, 3))


def test_features_are_read(folder):
    found = embedded.read(folder / "features.npz")
    np.testing.assert_array_equal(found.features, write_small.numbers(3, 2))
    assert found.paths.tolist() == ["0", "1", "3"]
    assert found.labels.tolist() == [0, 1, -1]
    assert found.label_names == ("cat", "dog")
    assert found.about["image_size"] == 8
