"""Files and folders that are whole or not there."""

import errno
import os
import pathlib
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
