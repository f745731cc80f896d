"""A run's folder on disks that are full, read-only or gone, and under odd names."""

import errno
import os
import pathlib
import shutil
import stat
import tempfile

import keras
import numpy as np
import pytest

from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir, read_rows
from ressl_tf.runtime.errors import RunError, UsageError


class Model:
    """What a checkpoint needs of a model."""

    def __init__(self):
        self.step = keras.Variable(3, dtype="int64", trainable=False)
        self.weight = keras.Variable(np.ones([2, 3]))
        self.networks = {"online": self}
        self.variables = self.weights = [self.weight]
        self.metrics_variables, self.optimizer = [], None


@pytest.fixture
def run(tmp_path):
    with Workdir(Config(workdir=str(tmp_path / "run"))) as workdir:
        yield workdir


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["ENOSPC", "EROFS", "EDQUOT", "ESTALE", "EIO"])
def test_a_disk_that_refuses_is_one_line_and_nothing_is_half(run, monkeypatch, name):
    run.log({"step": 1})
    checkpoints = Checkpoints(run.checkpoints, check=run.check_there)
    checkpoints.save(Model())
    before = contents(run.path)

    def refuse(descriptor):
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    monkeypatch.setattr(os, "fsync", refuse)
    said = os.strerror(getattr(errno, name))
    with pytest.raises(RunError, match=rf"cannot write .*run/metrics.jsonl: {said}"):
        run.log({"step": 2})
    later = Model()
    later.step.assign(4)
    with pytest.raises(RunError, match=rf"cannot write .*step-000000004.npz: {said}"):
        checkpoints.save(later)
    assert contents(run.path) == before


def test_a_log_that_may_not_be_written_any_more_is_one_line(run, monkeypatch):
    def refuse(descriptor):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError, match=r"cannot write .*run: Permission denied"):
        run.log({"step": 2})


@pytest.mark.parametrize("other", [False, True], ids=["gone", "another"])
def test_a_folder_that_is_taken_away_is_not_made_anew(run, other):
    run.log({"step": 1})
    shutil.rmtree(run.path)
    if other:  # the place where the disk was mounted
        run.path.mkdir()
    with pytest.raises(RunError, match="run is gone, or another folder is in its pl"):
        run.log({"step": 2})
    with pytest.raises(RunError, match="is gone"):
        Checkpoints(run.checkpoints, check=run.check_there).save(Model())
    assert run.path.exists() == other
    assert not other or not list(run.path.iterdir())


NAMES = {
    "spaces": b"a run of  mine ",
    "latin": b"caf\xe9",
    "line break": b"a\nb",
    "long": b"x" * 250,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_folder_of_any_name_holds_a_run(tmp_path, name):
    folder = pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    config = Config(workdir=str(folder))
    for step in (1, 2):
        with Workdir(config) as workdir:
            workdir.log({"step": step})
            Checkpoints(workdir.checkpoints, check=workdir.check_there).save(Model())
    assert [row["step"] for row in read_rows(folder)] == [1, 2]
    assert Checkpoints(folder / "checkpoints").restore(Model())
    assert os.listdir(os.fsencode(tmp_path)) == [name]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize(("mask", "mode"), [(0o027, 0o640), (0o002, 0o664)])
def test_the_umask_is_obeyed(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with Workdir(Config(workdir=str(tmp_path / "run"))) as workdir:
            workdir.log({"step": 1})
            Checkpoints(workdir.checkpoints).save(Model())
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {mode}


@pytest.fixture
def for_all():
    """Yield a folder that other users may enter, which pytest's may not be."""
    folder = pathlib.Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid(), reason="root alone")
def test_another_user_is_told_and_changes_nothing(for_all):
    folder = for_all / "run"
    Workdir(Config(workdir=str(folder))).close()
    before = contents(folder)
    os.seteuid(65534)  # nobody
    try:
        with pytest.raises(UsageError, match=r"can be written.*Permission denied"):
            Workdir(Config(workdir=str(folder)))
        with pytest.raises(UsageError, match=r"can be written.*Permission denied"):
            Workdir(Config(workdir=str(for_all / "another")))
    finally:
        os.seteuid(0)
    assert contents(folder) == before
