"""The same answers for files of this machine and for those behind an address."""

import errno
import os
import uuid

import pytest
import tensorflow as tf

from ressl_tf.runtime import storage


@pytest.fixture(params=["local", "remote"])
def root(request, tmp_path):
    """Return a folder with a file, a photo and a sub-folder, of either kind."""
    folder = str(tmp_path / "set")
    if request.param == "remote":
        folder = f"ram://{uuid.uuid4().hex}/set"
    tf.io.gfile.makedirs(f"{folder}/below")
    for name in ("notes.txt", "photo.jpg", "below/inner.png"):
        with tf.io.gfile.GFile(f"{folder}/{name}", "w") as file:
            file.write(f"of {name}")
    return folder


def test_files_and_folders_are_told_apart(root):
    assert storage.is_folder(root)
    assert storage.is_folder(f"{root}/below")
    assert not storage.is_folder(f"{root}/photo.jpg")
    assert not storage.is_folder(f"{root}/nothing")
    assert storage.is_file(f"{root}/photo.jpg")
    assert not storage.is_file(f"{root}/below")
    assert not storage.is_file(f"{root}/nothing")


def test_entries_are_those_of_scandir(root):
    with storage.scan(root) as entries:
        found = {
            e.name: (e.path, e.is_dir(), e.is_file(), e.is_symlink()) for e in entries
        }
    assert found == {
        "below": (f"{root}/below", True, False, False),
        "notes.txt": (f"{root}/notes.txt", False, True, False),
        "photo.jpg": (f"{root}/photo.jpg", False, True, False),
    }


def test_bytes_are_read_whole_from_the_start_and_from_within(root):
    path = f"{root}/photo.jpg"
    assert storage.read_bytes(path) == b"of photo.jpg"
    assert storage.read_bytes(path, 5) == b"of ph"
    with storage.open_binary(path) as file:
        file.seek(3)
        assert (file.read(5), file.tell()) == (b"photo", 8)
    assert storage.state(path)[0] == 12
    is_remote = root.startswith("ram:")  # which knows no times
    assert (storage.state(path)[1] > 1e18) != is_remote  # ns, after 2001


def test_patterns_are_found(root):
    assert storage.matching(f"{root}/*.jpg") == [f"{root}/photo.jpg"]
    assert storage.matching(f"{root}/*.gif") == []


@pytest.mark.parametrize("call", [storage.read_bytes, storage.state])
def test_what_is_missing_is_the_system_s_error(root, call):
    with pytest.raises(FileNotFoundError) as error:
        call(f"{root}/nothing")
    assert error.value.filename == f"{root}/nothing"
    assert error.value.errno == errno.ENOENT


def test_a_folder_that_cannot_be_listed_is_the_system_s_error(root):
    with pytest.raises(FileNotFoundError), storage.scan(f"{root}/nothing"):
        pass


def test_whole_paths_and_addresses_stay():
    assert storage.join("/a", "b/c") == "/a/b/c"
    assert storage.join("/a", "/b") == "/b"
    assert storage.join("/a", "gs://b/c") == "gs://b/c"
    assert storage.join("gs://a", "b") == "gs://a/b"
    assert storage.absolute("gs://a/b") == "gs://a/b"
    assert storage.absolute("b") == os.path.abspath("b")
    assert storage.real("gs://a/") == storage.real("gs://a") == "gs://a"


def test_no_look_up_is_spent_on_names_of_images(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(storage, "is_folder", lambda path: bool(asked.append(path)))
    for name in ("a.jpg", "b.PNG", "c.webp", "d"):
        assert storage.RemoteEntry(name, f"gs://x/{name}", False).is_file()
    assert asked == ["gs://x/d"]
    assert storage.RemoteEntry("e", "gs://x/e", True).is_dir()
