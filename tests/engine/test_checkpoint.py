"""Checkpoints: what they hold, damage, full disks, and the hash of weights."""

import errno
import logging
import subprocess
import sys

import keras
import numpy as np
import pytest
from helpers.models import tiny_backbone, tiny_model

from ressl_tf.engine import checkpoint
from ressl_tf.engine.checkpoint import Checkpoints, state, weights_sha256
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import RunError


def test_the_hash_is_over_encoder_and_head():
    encoder = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    model = Classifier(encoder, 3)
    before = weights_sha256(model)
    model.head.bias.assign([1.0, 0.0, 0.0])
    assert weights_sha256(model) != before


def at_step(step):
    model = tiny_model()
    model.optimizer.build(model.trainable_variables)
    generator = np.random.default_rng(step)
    for variable in state(model).values():
        variable.assign(generator.integers(0, 100, variable.shape))
    model.step.assign(step)
    return model


def values(model):
    return {name: variable.numpy() for name, variable in state(model).items()}


def assert_same_state(first, second):
    assert values(first).keys() == values(second).keys()
    for name, value in values(first).items():
        np.testing.assert_array_equal(value, values(second)[name], err_msg=name)


def test_a_checkpoint_holds_everything_the_next_step_depends_on(tmp_path):
    saved, other = at_step(5), at_step(9)
    checkpoints = Checkpoints(tmp_path)
    path = checkpoints.save(saved)
    assert checkpoints.restore(other) == path
    assert_same_state(saved, other)
    assert int(other.step.numpy()) == 5
    known = {id(variable) for variable in state(saved).values()}
    everything = [
        *saved.variables,
        *saved.optimizer.variables,
        *saved.metrics_variables,
        *saved.guard.variables,
    ]
    assert {id(variable) for variable in everything} == known


def test_the_last_ones_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    model = at_step(1)
    for step in (1, 2, 10, 100):
        model.step.assign(step)
        checkpoints.save(model)
    names = [path.name for path in checkpoints.paths()]
    assert names == ["step-000000010.npz", "step-000000100.npz"]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(
    tmp_path, caplog, damage
):
    checkpoints = Checkpoints(tmp_path)
    good, newer, restored = at_step(3), at_step(4), at_step(8)
    checkpoints.save(good)
    path = checkpoints.save(newer)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(newer.queue.keys.numpy().tobytes())] ^= 1
    path.write_bytes(
        {"truncated": content[:-500], "flipped": content, "empty": b""}[damage]
    )
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        checkpoints.restore(restored)
    assert path.name in caplog.text
    assert_same_state(restored, good)
    (tmp_path / "step-000000003.npz").write_bytes(b"")
    with pytest.raises(RunError, match="none of the 2 checkpoints"):
        checkpoints.restore(restored)
    assert_same_state(restored, good)  # nothing was half assigned


def damaged(content, draw):
    """Flip a bit, or cut the end off, anywhere."""
    if draw.random() < 0.2:
        return content[: draw.integers(len(content))]
    flipped = bytearray(content)
    flipped[draw.integers(len(content))] ^= 1 << draw.integers(8)
    return bytes(flipped)


def test_no_damage_changes_what_is_restored(tmp_path, monkeypatch):
    """Each of 250 flips and cuts anywhere is refused, or restored as it was saved.

    Some bytes of a zip, such as the time of a member, mean nothing here.
    """
    values = {}
    monkeypatch.setattr(checkpoint, "state", lambda model: model)
    for step in (3, 4):
        draw = np.random.default_rng(step)
        values[step] = {
            "online/000": draw.normal(size=(3, 4)).astype("float32"),
            "optimizer/000": np.int64(step),
            "queue/000": draw.normal(size=(5, 2)).astype("float32"),
        }
        path = tmp_path / f"step-00000000{step}.npz"
        np.savez(path, **values[step])
    content, draw, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(250):
        path.write_bytes(damaged(content, draw))
        model = {name: keras.Variable(0 * value) for name, value in values[4].items()}
        used = Checkpoints(tmp_path).restore(model)
        for name, variable in model.items():
            expected = values[4 if used == path else 3][name]
            np.testing.assert_array_equal(variable, expected, err_msg=name)
        refused += used != path
    assert 125 < refused < 250


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(tiny_model(queue_size=11))
    with pytest.raises(RunError, match="none of the 1 checkpoints"):
        checkpoints.restore(tiny_model())


def test_without_checkpoints_nothing_is_restored(tmp_path):
    assert Checkpoints(tmp_path / "none").restore(at_step(3)) is None


def test_a_full_disk_leaves_the_earlier_checkpoints(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    model = at_step(1)
    checkpoints.save(model)
    model.step.assign(2)

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.np, "savez", full)
    with pytest.raises(RunError, match=r"step-000000002.npz: No space left"):
        checkpoints.save(model)
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000001.npz"]


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = at_step(4)
    model.online.variables[0].assign(np.full(model.online.variables[0].shape, np.nan))
    with pytest.raises(RunError, match="not finite after step 4; nothing was saved"):
        Checkpoints(tmp_path).save(model)
    assert list(tmp_path.iterdir()) == []


def test_the_hash_covers_online_target_and_queue_and_nothing_else():
    model = at_step(1)
    before = weights_sha256(model)
    model.optimizer.velocities[0].assign_add(
        np.ones(model.optimizer.velocities[0].shape)
    )
    model.step.assign_add(1)
    assert weights_sha256(model) == before
    for variable in (
        model.online.variables[-1],
        model.target.variables[0],
        model.queue.keys,
        model.queue.position,
    ):
        variable.assign_add(np.ones(variable.shape))
        assert weights_sha256(model) != before
        before = weights_sha256(model)


WRITE_UNDER_A_LIMIT = """
import pathlib, resource, sys
import numpy as np
from ressl_tf.engine import checkpoint
folder = pathlib.Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
class Value:
    def __init__(self, size): self.value = np.zeros(size)
    def numpy(self): return self.value
class Model:
    step = Value(())
checkpoint.state = lambda model: {"a": Value(1000), "b": Value(size)}
for size in (1000, 20_000):
    Model.step.value = np.int64(size)
    try:
        checkpoint.Checkpoints(folder).save(Model)
    except checkpoint.RunError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more(tmp_path):
    """For real: a process that may write no file of more than 50 kB."""
    command = [sys.executable, "-c", WRITE_UNDER_A_LIMIT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "step-000020000.npz"
    assert done.stdout == f"cannot write {path}: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001000.npz"]
    assert len(np.load(tmp_path / "step-000001000.npz")["b"]) == 1000
