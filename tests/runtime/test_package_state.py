"""The commit of a checkout of the package, and of no other repository."""

import shutil
import subprocess

import pytest

from ressl_tf.runtime import package_state

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git")


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "ressl_tf"
    folder.mkdir()
    (folder / "__init__.py").write_text("a = 1\n")
    git(tmp_path, "init")
    return folder


def test_a_checkout_and_its_changes(package):
    git(package, "add", ".")
    git(package, "commit", "-m", "a")
    state = package_state.describe(package)
    assert state["commit"] == git(package, "rev-parse", "HEAD").strip()
    assert state["changed"] is False
    (package.parent / "notes").write_text("beside the package")
    assert package_state.describe(package)["changed"] is False
    (package / "__init__.py").write_text("a = 2\n")
    assert package_state.describe(package)["changed"] is True


def test_a_repository_that_does_not_hold_the_package_says_nothing(package):
    (package.parent / "work.py").write_text("")
    git(package.parent, "add", "work.py")
    git(package.parent, "commit", "-m", "a user's")
    state = package_state.describe(package)
    assert (state["commit"], state["changed"]) == (None, None)


def test_without_git_the_version_is_there(monkeypatch):
    monkeypatch.setenv("PATH", "")
    state = package_state.describe()
    assert state == {"version": "0.1.0", "commit": None, "changed": None}
