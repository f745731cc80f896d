"""Functions of the user's by file and by module."""

import pathlib
import sys

import pytest

from ressl_tf.runtime import own_code
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("NUMBER = 7\n")
    (tmp_path / "mine.py").write_text(
        "from beside import NUMBER\ndef seven():\n    return NUMBER\n"
    )
    (tmp_path / "odd.py").write_text("x = 1\nint('two')\n")
    (tmp_path / "lacks.py").write_text("import no_such_module\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("beside", "mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_a_file_is_found_from_any_folder_and_imported_once(folder, monkeypatch):
    monkeypatch.chdir(pathlib.Path("/"))
    name = f"{folder}/mine.py:seven"
    seven = own_code.function_of("backbone", name)
    assert seven() == 7
    assert own_code.function_of("backbone", name) is seven


@pytest.mark.parametrize("name", ["mine.py:seven", "mine:seven", "./mine.py:seven"])
def test_a_name_keeps_the_whole_path(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    assert own_code.with_whole_path(name) == f"{folder}/mine.py:seven"


def test_a_module_elsewhere_stays_as_it_is(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert own_code.with_whole_path("package.nets:make") == "package.nets:make"
    assert own_code.with_whole_path("keras:ResNet50") == "keras:ResNet50"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("gone.py:f", UsageError, "not there, or not any more: .*/gone.py. Received"),
        ("mine.py:f", UsageError, "--backbone=.*mine.py:f cannot be made: Attr"),
        ("lacks.py:f", UsageError, "ModuleNotFoundError: No module .*no_such_module"),
        ("odd.py:f", RunError, r"the module raised ValueError.*\(odd.py, line 2\)"),
        ("mine.py:", UsageError, "must be module:function or file.py:function"),
    ],
)
def test_what_is_not_there_is_one_line(folder, monkeypatch, name, kind, message):
    monkeypatch.chdir(folder)
    with pytest.raises(kind, match=message) as error:
        own_code.function_of("backbone", name)
    assert "\n" not in str(error.value)


def test_a_file_that_fails_is_imported_anew_when_it_is_mended(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(RunError):
        own_code.function_of("backbone", "odd.py:x")
    (folder / "odd.py").write_text("x = len\n")
    assert own_code.function_of("backbone", "odd.py:x") is len
