"""Files and folders that are whole or not there."""

import errno
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from ressl_tf.runtime import atomic
from ressl_tf.runtime.errors import RunError

KILLED = """
import os, pathlib, sys
sys.argv[0] = "-m"  # as a command line: without TensorFlow
from ressl_tf.runtime import atomic

rename, count = pathlib.Path.rename, int(sys.argv[2])

def dying(self, target):
    global count
    if not count:
        os._exit(9)
    count -= 1
    return rename(self, target)

pathlib.Path.rename = dying
with atomic.replacing_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "a").write_text("new")
"""


def test_replacing_is_all_or_nothing(tmp_path):
    path = tmp_path / "a" / "file"
    with atomic.replacing(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half of two" * (1 // 0))
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def path(tmp_path):
    """Make a folder that holds a file in a folder of its own."""
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "a").write_text("old")
    return tmp_path / "out"


def files(folder):
    return {
        found.relative_to(folder).as_posix(): found.read_text()
        for found in folder.rglob("*")
        if found.is_file()
    }


def write(path, **options):
    with atomic.replacing_folder(path, **options) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "a").write_text("new")
        return folder


def test_a_folder_is_made_or_replaced(path):
    for target in (path, path.parent / "new" / "deeper"):
        write(target)
        assert files(target) == {"sub/a": "new"}
        assert [found.name for found in target.parent.glob(".*")] == []


def test_every_file_is_flushed_before_it_is_in_its_place(path, monkeypatch):
    flushed = []
    monkeypatch.setattr(
        atomic, "_flush", lambda entry: flushed.append((entry.name, files(path)))
    )
    temporary = write(path)
    old, new = {"deep/a": "old"}, {"sub/a": "new"}
    assert sorted(flushed[:-1]) == sorted(
        [("sub", old), ("a", old), (temporary.name, old)]
    )
    assert flushed[-1] == (path.parent.name, new)


def test_when_the_body_fails_nothing_changes(path):
    def fail():
        with atomic.replacing_folder(path) as folder:
            (folder / "a").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert files(path.parent) == {"out/deep/a": "old"}


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, RunError), (errno.EACCES, OSError)]
)
def test_when_the_second_rename_fails_the_old_one_is_back(
    path, monkeypatch, number, error
):
    rename = pathlib.Path.rename

    def failing(self, target):
        if self.suffix == ".tmp":
            raise OSError(number, os.strerror(number))
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", failing)
    with pytest.raises(error):
        write(path)
    assert files(path.parent) == {"out/deep/a": "old"}


@pytest.mark.parametrize(("renames", "kept"), [(0, "out"), (1, ".out.{}.old")])
def test_a_killed_process_leaves_the_old_folder_whole(path, renames, kept):
    """Killed before the first rename, and between the two."""
    command = [sys.executable, "-c", KILLED, str(path), str(renames)]
    process = subprocess.Popen(command)
    assert process.wait(60) == 9
    kept = path.parent / kept.format(process.pid)
    assert files(kept) == {"deep/a": "old"}
    write(path)
    assert files(path) == {"sub/a": "new"}


def test_leftovers_of_the_same_name_are_no_obstacle(path):
    for leftover in (f".out.{os.getpid()}.tmp", f".out.{os.getpid()}.old"):
        (path.parent / leftover).mkdir()
        (path.parent / leftover / "b").write_text("half")
    write(path)
    assert files(path.parent) == {"out/sub/a": "new"}


def test_the_holder_of_a_lock_uses_a_name_that_the_next_one_finds(path):
    assert write(path, locked=True).name == ".out.tmp"
    assert write(path).name == f".out.{os.getpid()}.tmp"


@pytest.mark.parametrize("refusal", [PermissionError, IsADirectoryError])
def test_folders_that_cannot_be_opened_are_not_flushed(tmp_path, monkeypatch, refusal):
    """As on Windows; files still are."""
    opened, flushed = os.open, []

    def refuse(path, *flags):
        if os.path.isdir(path):
            raise refusal(13, "Permission denied")
        flushed.append(os.path.basename(path))
        return opened(path, *flags)

    monkeypatch.setattr(atomic.os, "open", refuse)
    with atomic.replacing(tmp_path / "file") as temporary:
        temporary.write_text("one")
    assert (tmp_path / "file").read_text() == "one"
    with atomic.replacing_folder(tmp_path / "folder") as temporary:
        (temporary / "inside").write_text("two")
    assert (tmp_path / "folder" / "inside").read_text() == "two"
    assert flushed == [f".file.{os.getpid()}.tmp", "inside"]


def test_a_file_that_cannot_be_flushed_is_an_error(tmp_path, monkeypatch):
    def refuse(path, *flags):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(atomic.os, "open", refuse)
    with (
        pytest.raises(PermissionError),
        atomic.replacing(tmp_path / "file") as temporary,
    ):
        temporary.touch()
    assert list(tmp_path.iterdir()) == []


def test_file_and_folders_are_flushed_in_an_order_that_a_power_cut_cannot_break(
    tmp_path, monkeypatch
):
    """New folders into those above, the file before its rename, the rename after."""
    calls, fsync, replace = [], os.fsync, os.replace

    def flushed(descriptor):
        stat = os.fstat(descriptor)
        places = [tmp_path, *sorted(tmp_path.rglob("*"))]
        (place,) = (p for p in places if os.path.samestat(p.stat(), stat))
        calls.append(("fsync", place.relative_to(tmp_path).as_posix()))
        fsync(descriptor)

    def replaced(source, target):
        calls.append(("rename", pathlib.Path(target).name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", replaced)
    with atomic.replacing(tmp_path / "run" / "checkpoints" / "step.npz") as temporary:
        temporary.write_bytes(b"weights")
    assert calls == [
        ("fsync", "."),
        ("fsync", "run"),
        ("fsync", f"run/checkpoints/{temporary.name}"),
        ("rename", "step.npz"),
        ("fsync", "run/checkpoints"),
    ]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace traces it")
def test_the_kernel_is_asked_in_this_order(tmp_path):
    code = (
        "import pathlib, sys; sys.argv[0] = '-m'\n"
        "from ressl_tf.runtime import atomic\n"
        "with atomic.replacing(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write_text('weights')"
    )
    trace = tmp_path / "trace"
    path = tmp_path / "run" / "step.npz"
    traced = ["strace", "-y", "-o", str(trace), "-e", "fsync,rename,renameat2,mkdir"]
    command = [*traced, sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip("this system forbids tracing")
    assert done.returncode == 0, done.stderr
    lines = [line for line in trace.read_text().splitlines() if str(tmp_path) in line]
    kinds = [line.partition("(")[0].removesuffix("at2") for line in lines]
    assert kinds == ["mkdir", "fsync", "fsync", "rename", "fsync"]
    assert f"<{tmp_path}>" in lines[1]
    assert f"<{path.parent}/.step.npz." in lines[2]
    assert f"<{path.parent}>" in lines[4]


@pytest.mark.parametrize("length", [233, 240, 255])
def test_a_name_of_the_longest_kind_is_written(tmp_path, length):
    path = tmp_path / ("ä" * 10 + "x" * (length - 20))
    with atomic.replacing(path) as temporary:
        temporary.write_text("all of it")
    assert path.read_text() == "all of it"
    write(tmp_path / ("x" * length + "y")[1:])
    assert len(list(tmp_path.iterdir())) == 2
