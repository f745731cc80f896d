"""A GPU that TensorFlow leaves idle is named once, with what to install."""

import pathlib
import subprocess
import types

import pytest
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.runtime import command, gpu

INSTALL = "pip install 'tensorflow[and-cuda]'"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make a machine with a GPU, which TensorFlow does not find."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "nvidia0").write_text("")
    monkeypatch.setattr(gpu, "SIGNS", (tmp_path / "nvidia0",))
    return tmp_path


def tool(folder, body):
    """Put an nvidia-smi into the path, in the place of other signs."""
    (folder / "nvidia0").unlink()
    path = folder / gpu.TOOL
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("cuda", [True, False])
def test_an_idle_gpu_is_named_with_what_to_install(machine, monkeypatch, cuda):
    monkeypatch.setattr(tf.test, "is_built_with_cuda", lambda: cuda)
    what = "finds none" if cuda else "is built without CUDA"
    assert gpu.idle_gpu_warning() == (
        f"this machine has an NVIDIA GPU, but TensorFlow {what} and computes on the "
        f"CPU: {INSTALL} (CUDA_VISIBLE_DEVICES=-1 if you want the CPU)"
    )


@pytest.mark.parametrize(
    ("body", "there"),
    [("[ $1 = -L ]", True), ("exit 9", False), ("exec /bin/sleep 60", True)],
)
def test_nvidia_smi_tells_whether_there_is_one(machine, monkeypatch, body, there):
    """It is on many machines that have none; one that hangs has a driver."""
    monkeypatch.setattr(gpu, "TOOL_SECONDS", 0.2)
    tool(machine, body)
    assert (INSTALL in gpu.idle_gpu_warning()) == there


def test_a_tool_that_does_not_run_says_nothing(machine, monkeypatch):
    tool(machine, "")

    def refuse(*_, **__):
        raise OSError(8, "Exec format error")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert gpu.idle_gpu_warning() == ""


@pytest.mark.parametrize(
    ("visible", "warned"),
    [("", False), ("-1", False), ("NoDevFiles", False), ("0,1", True), ("GPU-3", True)],
)
def test_a_gpu_that_is_hidden_is_idle_on_purpose(machine, monkeypatch, visible, warned):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert bool(gpu.idle_gpu_warning()) == warned


def test_nothing_is_said_without_one_or_when_it_is_used(machine, monkeypatch):
    found = [types.SimpleNamespace(device_type="GPU")]
    with monkeypatch.context() as patched:
        patched.setattr(tf.config, "list_physical_devices", lambda kind=None: found)
        assert gpu.idle_gpu_warning() == ""
    (machine / "nvidia0").unlink()
    assert gpu.idle_gpu_warning() == ""


def test_on_windows_it_takes_wsl(machine, monkeypatch):
    monkeypatch.setattr(gpu, "os", types.SimpleNamespace(name="nt", environ={}))
    assert f"finds none on Windows and computes on the CPU: in WSL2, {INSTALL}" in (
        gpu.idle_gpu_warning()
    )


def test_the_readme_names_the_same_line():
    assert (
        f"\n{INSTALL}\n"
        in (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    )


def test_a_command_says_it_once_on_stderr(machine, capsys):
    assert command.run(lambda config: {"done": 1}, Config, "", []) == 0
    out, err = capsys.readouterr()
    assert (out, err.count(INSTALL), len(err.splitlines())) == ('{"done": 1}\n', 1, 1)
