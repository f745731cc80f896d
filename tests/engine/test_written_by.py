"""A checkpoint says what wrote it; other versions are named, and allowed."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.engine import written_by
from ressl_tf.engine.checkpoint import Checkpoints, weights_sha256
from ressl_tf.runtime import stored
from ressl_tf.runtime.errors import UsageError


@pytest.fixture
def saved(tmp_path):
    """Return a model and its checkpoints, of which there is one."""
    model, checkpoints = tiny_model(), Checkpoints(tmp_path)
    checkpoints.save(model)
    return model, checkpoints


def rewrite(checkpoints, **about):
    """Write the newest checkpoint again, with another description, or none."""
    (path,) = checkpoints.paths()
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    there = json.loads(kept.pop(written_by.ENTRY).tobytes())
    if about:
        text = json.dumps({**there, **about}).encode()
        kept[written_by.ENTRY] = np.frombuffer(text, np.uint8)
    np.savez(path, **kept)


def test_a_checkpoint_says_its_format_and_versions(saved):
    (path,) = saved[1].paths()
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(arrays[written_by.ENTRY].tobytes())
    assert about["format_number"] == stored.FORMATS["checkpoint"]
    assert about["tensorflow"] == tf.__version__
    assert about["keras"] == keras.__version__
    assert set(about) == {"format_number", "ressl_tf", "tensorflow", "keras"}


def test_the_same_versions_go_on_without_a_word(saved, caplog):
    model, checkpoints = saved
    assert checkpoints.restore(model)
    assert caplog.text == ""


def test_other_versions_are_named_and_restored(saved, caplog):
    model, checkpoints = saved
    digest = weights_sha256(model)
    rewrite(checkpoints, tensorflow="2.20.0", keras="3.12.1", ressl_tf="0.0.1")
    model.online.variables[0].assign(0 * model.online.variables[0])
    assert checkpoints.restore(model)
    assert weights_sha256(model) == digest
    (record,) = (r for r in caplog.records if r.name == "ressl_tf")
    assert (
        "with TensorFlow 2.20.0, Keras 3.12.1 and goes on with TensorFlow "
        f"{tf.__version__}, Keras {keras.__version__}: that is allowed, and may differ"
    ) in record.getMessage()
    rewrite(checkpoints, tensorflow=tf.__version__, keras="3.99")
    caplog.clear()
    checkpoints.restore(model)
    assert "TensorFlow" not in caplog.text
    assert "with Keras 3.99 and goes on with Keras" in caplog.text


def test_a_checkpoint_of_the_first_format_has_none_of_it(saved, caplog):
    model, checkpoints = saved
    rewrite(checkpoints)
    assert checkpoints.restore(model)
    assert caplog.text == ""


def test_a_later_format_is_refused_not_taken_for_damage(saved):
    model, checkpoints = saved
    rewrite(checkpoints, format_number=2)
    with pytest.raises(UsageError, match=r"step-0+.npz is a checkpoint of format 2"):
        checkpoints.restore(model)
