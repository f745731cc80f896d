"""The folder of a run, its checkpoints, and files that are whole or not there."""

import errno
import json
import logging
import subprocess
import sys

import keras
import numpy as np
import pytest
from helpers.models import tiny_model

from ressl_tf.config import Config
from ressl_tf.engine import checkpoint
from ressl_tf.engine import workdir as workdir_module
from ressl_tf.engine.checkpoint import Checkpoints, state, weights_sha256
from ressl_tf.engine.workdir import Workdir
from ressl_tf.runtime import atomic
from ressl_tf.runtime.errors import RunError, UsageError


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
    """A bit flipped, or the end cut off, anywhere."""
    if draw.random() < 0.2:
        return content[: draw.integers(len(content))]
    flipped = bytearray(content)
    flipped[draw.integers(len(content))] ^= 1 << draw.integers(8)
    return bytes(flipped)


def test_no_damage_changes_what_is_restored(tmp_path, monkeypatch):
    """Of 250 flips and cuts anywhere, each is refused, or restored as it was saved.

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


def test_replacing_is_all_or_nothing(tmp_path):
    path = tmp_path / "a" / "file"
    with atomic.replacing(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half of two" * (1 // 0))
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_the_same_config_comes_back_and_another_is_refused(tmp_path):
    config = Config(workdir=str(tmp_path), epochs=7)
    Workdir(config).close()
    assert json.loads((tmp_path / "config.json").read_text())["epochs"] == 7
    Workdir(Config(workdir=str(tmp_path), epochs=7, knn_every=1)).close()
    with pytest.raises(UsageError) as error:
        Workdir(Config(workdir=str(tmp_path), epochs=8, width=0.5))
    assert "--epochs=8 (there: 7), --width=0.5 (there: 1.0)" in str(error.value)


def test_a_flag_that_an_older_config_does_not_know_had_its_default(tmp_path):
    path = tmp_path / "config.json"
    Workdir(Config(workdir=str(tmp_path))).close()
    older = {n: v for n, v in json.loads(path.read_text()).items() if n != "stem"}
    path.write_text(json.dumps(older))
    with pytest.raises(UsageError, match=r"--stem=small \(there: standard\)"):
        Workdir(Config(workdir=str(tmp_path), stem="small"))
    Workdir(Config(workdir=str(tmp_path))).close()


@pytest.mark.slow
def test_a_workdir_in_use_is_refused(tmp_path):
    workdir = Workdir(Config(workdir=str(tmp_path)))
    code = (
        "import sys; from ressl_tf.engine.workdir import Workdir\n"
        "from ressl_tf.config import Config\n"
        "Workdir(Config(workdir=sys.argv[1]))"
    )
    other = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(other, capture_output=True, text=True, timeout=60)
    assert "in use by another process" in done.stderr
    workdir.close()
    subprocess.run(other, timeout=60, check=True)


def test_a_workdir_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below"):
        with pytest.raises(UsageError, match="must be a folder that can be written"):
            Workdir(Config(workdir=str(tmp_path / name)))


def test_rows_are_replaced_by_step_and_cut_when_a_run_resumes(tmp_path):
    workdir = Workdir(Config(workdir=str(tmp_path)))
    for step, loss in [(0, 9.0), (10, 5.0), (20, 4.0), (25, 3.9), (30, 3.0)]:
        workdir.log({"step": step, "loss": loss})
    workdir.log({"step": 30, "loss": 2.0})
    assert [row["loss"] for row in workdir.rows()] == [9.0, 5.0, 4.0, 3.9, 2.0]
    workdir.resume_at(25, steps_per_epoch=10, last_step=25)  # inside an epoch
    assert [row["step"] for row in workdir.rows()] == [0, 10, 20, 25]
    workdir.resume_at(25, steps_per_epoch=10, last_step=40)
    assert [row["step"] for row in workdir.rows()] == [0, 10, 20]


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name in (".metrics.jsonl.77.tmp", "checkpoints/.step-000000003.npz.77.tmp"):
        (tmp_path / name).write_bytes(b"half of it")
    (tmp_path / "checkpoints" / "step-000000002.npz").write_bytes(b"all of it")
    Workdir(Config(workdir=str(tmp_path))).close()
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {
        *("lock", "config.json", "checkpoints"),
        "checkpoints/step-000000002.npz",
    }


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(workdir_module.fcntl, "flock", refuse)
    with pytest.raises(UsageError, match=r"--workdir must .*locks.*\(No locks avail"):
        Workdir(Config(workdir=str(tmp_path)))


WRITE_UNDER_A_LIMIT = """
import pathlib, resource, sys
import numpy as np
from ressl_tf import checkpoint, files
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
