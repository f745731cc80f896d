"""The folder of a run: its config, its log, its lock."""

import errno
import json
import subprocess
import sys

import pytest

from ressl_tf.config import Config
from ressl_tf.engine.workdir import Workdir
from ressl_tf.runtime import lock
from ressl_tf.runtime.errors import UsageError


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


def test_a_workdir_in_use_is_refused_where_python_has_no_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setattr(lock, "msvcrt", None)
    config = Config(workdir=str(tmp_path))
    with Workdir(config), pytest.raises(UsageError, match="in use by another process"):
        Workdir(config)
    Workdir(config).close()


def test_a_workdir_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (
        tmp_path / "file",
        tmp_path / "file" / "below",
        "/proc/run",
        "a" * 999,
    ):
        with pytest.raises(UsageError, match="must be a folder that can be written"):
            Workdir(Config(workdir=path))


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
    (tmp_path / ".exported.77.tmp" / "variables").mkdir(parents=True)  # an export's
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

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with pytest.raises(UsageError, match=r"--workdir must .*locks.*\(No locks avail"):
        Workdir(Config(workdir=str(tmp_path)))


def test_a_run_goes_on_whether_its_paths_were_written_with_a_home_or_without(
    tmp_path, monkeypatch
):
    """The config holds what the user said, which is right for another home too."""
    monkeypatch.setenv("HOME", "/home/me")
    folder, stored = str(tmp_path), tmp_path / "config.json"
    short, long = "folder:~/photos", "folder:/home/me/photos"
    for dataset in (short, long, short):
        start = dataset.removeprefix("folder:") + ".keras"
        Workdir(Config(workdir=folder, dataset=dataset, init_from=start)).close()
        assert json.loads(stored.read_text())["dataset"] == dataset
        assert json.loads(stored.read_text())["init_from"] == start
    with pytest.raises(UsageError, match=rf"--dataset={short}2 \(there: {short}\)"):
        Workdir(Config(workdir=folder, dataset=f"{short}2", init_from="~/photos.keras"))
    monkeypatch.setenv("HOME", "/root")
    config = Config(workdir=folder, dataset=short, init_from="~/photos.keras")
    assert config.dataset == "folder:/root/photos"
    Workdir(config).close()


def test_a_config_of_an_earlier_version_that_has_an_address_is_compared_as_it_is(
    tmp_path,
):
    Workdir(Config(workdir=str(tmp_path))).close()
    path = tmp_path / "config.json"
    older = {**json.loads(path.read_text()), "workdir": "gs://b", "init_from": "gs://a"}
    path.write_text(json.dumps(older))
    with pytest.raises(UsageError, match=r"--init_from= \(there: gs://a\)"):
        Workdir(Config(workdir=str(tmp_path)))
