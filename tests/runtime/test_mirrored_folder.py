"""The copy of a remote folder: what comes, what is sent, what is said."""

import json
import logging
import pathlib
import uuid

import pytest
import tensorflow as tf

from ressl_tf.runtime import lock, mirrored_folder, mirrors
from ressl_tf.runtime.atomic import remove, replacing, replacing_folder
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(mirrors, "KNOWN", {})
    return tmp_path


@pytest.fixture
def address():
    return f"ram://{uuid.uuid4().hex}/run"


def opened(address):
    return pathlib.Path(mirrored_folder.local_side(address))


def there(address):
    """Return the remote files: name -> text."""
    found = {}
    for folder, _, names in tf.io.gfile.walk(address):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with tf.io.gfile.GFile(path) as file:
                found[path.removeprefix(address).strip("/")] = file.read()
    return found


def put(address, name, text):
    tf.io.gfile.makedirs(f"{address}/{name}".rpartition("/")[0])
    if tf.io.gfile.exists(f"{address}/{name}"):
        tf.io.gfile.remove(f"{address}/{name}")  # in memory "w" does not empty a file
    with tf.io.gfile.GFile(f"{address}/{name}", "w") as file:
        file.write(text)


def write(path, text):
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_what_is_there_comes_and_what_is_written_goes(address, cache):
    put(address, "config.json", "{}")
    put(address, "checkpoints/step-1.npz", "one")
    folder = opened(address)
    assert folder == cache / "ressl_tf/remote" / address.replace("://", "/")
    assert (folder / "checkpoints/step-1.npz").read_text() == "one"
    write(folder / "checkpoints/step-2.npz", "two")
    remove(folder / "checkpoints/step-1.npz")
    with replacing_folder(folder / "knn") as temporary:
        (temporary / "result.json").write_text("3")
    assert there(address) == {
        "config.json": "{}",
        "checkpoints/step-2.npz": "two",
        "knn/result.json": "3",
    }


def test_a_folder_that_is_replaced_loses_its_former_files(address):
    folder = opened(address)
    for name in ("a", "b"):
        with replacing_folder(folder / "export") as temporary:
            (temporary / name).write_text(name)
    assert there(address) == {"export/b": "b"}


def test_locks_and_half_written_files_stay_here(address):
    folder = opened(address)
    for name in ("lock", ".x.1.tmp", "a"):
        (folder / name).write_text(name)
    mirrors.settle(folder)
    assert there(address) == {"a": "a"}


def test_the_newer_side_counts_and_of_two_the_remote_one(address):
    folder = opened(address)
    for name in ("here", "remote", "both", "gone"):
        write(folder / name, "old")
    (folder / "here").write_text("newer here")  # as by a process that was killed then
    (folder / "both").write_text("newer here")
    for name in ("remote", "both"):
        put(address, name, "newer there")
    tf.io.gfile.remove(f"{address}/gone")
    opened(address)
    expected = {"here": "newer here", "remote": "newer there", "both": "newer there"}
    assert there(address) == expected
    assert {p.name: p.read_text() for p in folder.glob("[a-km-z]*")} == expected


def test_another_machine_goes_on_with_it(address, cache, monkeypatch):
    write(opened(address) / "a", "first")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "other"))
    other = opened(address)
    assert (other / "a").read_text() == "first"
    write(other / "a", "second")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    assert (opened(address) / "a").read_text() == "second"


def test_nothing_comes_while_a_run_writes(address):
    folder = opened(address)
    write(folder / "a", "here")
    release = lock.acquire(folder / "lock")
    put(address, "a", "there")
    opened(address)
    assert (folder / "a").read_text() == "here"
    release()
    opened(address)
    assert (folder / "a").read_text() == "there"


def test_a_remote_folder_that_is_gone_is_no_reason_to_empty_its_copy(address):
    folder = opened(address)
    write(folder / "a", "kept")
    tf.io.gfile.rmtree(address)
    with pytest.raises(UsageError, match="has no files any more, but its copy has: "):
        opened(address)
    assert (folder / "a").read_text() == "kept"


def failing(*_, **__):
    raise tf.errors.UnavailableError(None, None, "no route\nat all")


def test_what_cannot_be_sent_waits_and_at_the_end_is_an_error(
    address, monkeypatch, caplog
):
    folder = opened(address)
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr(tf.io.gfile, "copy", failing)
        write(folder / "a", "1")
        write(folder / "b", "2")
        with pytest.raises(RunError) as error:
            mirrors.settle(folder)
    assert str(error.value) == (
        f"cannot write {address}: no route; its files are kept in {folder}, and the "
        "next command sends them"
    )
    assert there(address) == {}
    opened(address)
    assert there(address) == {"a": "1", "b": "2"}


def test_what_cannot_be_read_is_one_line(address, monkeypatch):
    monkeypatch.setattr(tf.io.gfile, "exists", failing)
    with pytest.raises(UsageError, match=f"^cannot read {address}: no route$"):
        opened(address)


def test_a_damaged_note_is_made_anew(address):
    folder = opened(address)
    write(folder / "a", "1")
    (folder / mirrored_folder.NOTE).write_text("{")
    opened(address)
    assert list(json.loads((folder / mirrored_folder.NOTE).read_text())) == ["a"]


def test_paths_are_shown_as_addresses(address, tmp_path):
    folder = opened(address)
    assert mirrors.shown(folder) == address
    assert mirrors.shown(folder / "knn" / "a") == f"{address}/knn/a"
    assert mirrors.shown(tmp_path) == str(tmp_path)
