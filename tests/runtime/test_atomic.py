"""Files that are whole or not there."""

import os

import pytest

from ressl_tf.runtime import atomic


def test_replacing_is_all_or_nothing(tmp_path):
    path = tmp_path / "a" / "file"
    with atomic.replacing(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half of two" * (1 // 0))
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


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
