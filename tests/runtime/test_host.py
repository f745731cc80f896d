"""What a machine says of itself, and a run where it says nothing."""

import ctypes
import json
import os
import pathlib
import platform
import subprocess
import sys
import types

import pytest
from helpers.models import TINY

from ressl_tf.runtime import host

WITHOUT = ("sched_getaffinity", "getloadavg", "sysconf", "pread")
ELSEWHERE = f"""
import builtins, io, os, pathlib, runpy, sys

for module in ("fcntl", "resource"):
    sys.modules[module] = None  # importing it raises ImportError
for name in {WITHOUT}:
    delattr(os, name)
opens, descriptors = io.open, os.open

def without_proc(path, *options, **more):
    if str(path).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return opens(path, *options, **more)

def without_folders(path, flags, *options, **more):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", str(path))
    return descriptors(path, flags, *options, **more)

builtins.open = io.open = without_proc
os.open = without_folders
sys.argv[:2] = sys.argv[1:2]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def test_this_machine_is_described():
    assert 1 <= host.cores() <= os.cpu_count()
    assert host.physical_memory() > 2**28
    assert 2**20 < host.peak_memory() < host.physical_memory()
    assert host.load() >= 0


def test_memory_is_given_back_where_the_c_library_can(monkeypatch):
    asked = []
    glibc = types.SimpleNamespace(malloc_trim=asked.append)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: glibc)
    host.give_back_memory()
    assert asked == [0]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: types.SimpleNamespace())  # macOS
    host.give_back_memory()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pathlib.Path(name))  # TypeError
    host.give_back_memory()


@pytest.fixture
def silent(monkeypatch, tmp_path):
    """Take away what macOS or Windows does not have."""
    for name in WITHOUT:
        monkeypatch.delattr(os, name)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(host, "CPU_INFO", tmp_path / "cpuinfo")


def test_a_machine_may_say_nothing(silent, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert (host.cores(), host.processor()) == (6, "arm")
    assert host.instructions() == ""
    assert (host.physical_memory(), host.peak_memory(), host.load()) == (0, None, None)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert host.cores() == 1


def test_the_processor_is_the_first_of_its_list(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "CPU_INFO", tmp_path / "cpuinfo")
    host.CPU_INFO.write_text("flags : a\nmodel name\t: X 5\nmodel name\t: X 6\n")
    assert host.processor() == "X 5"


@pytest.mark.parametrize(
    ("flags", "newest"),
    [("fpu avx avx2 fma", "AVX2"), ("avx avx512f avx2", "AVX-512"), ("neon", "")],
)
def test_the_newest_instructions_are_named(tmp_path, monkeypatch, flags, newest):
    monkeypatch.setattr(host, "CPU_INFO", tmp_path / "cpuinfo")
    host.CPU_INFO.write_text(f"processor: 0\nflags\t\t: {flags}\n")
    assert host.instructions() == newest


@pytest.mark.slow
def test_commands_run_where_the_platform_has_less(photos, tmp_path):
    """Train with a cache on disk, and benchmark."""

    def run(module, *words):
        command = [sys.executable, "-c", ELSEWHERE, f"ressl_tf.{module}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    tiny = [f"--{name}={value}" for name, value in {**TINY, "epochs": 1}.items()]
    data = [f"--dataset=folder:{photos}", f"--cache_dir={tmp_path}/caches"]
    words = [*tiny, *data, "--cache=disk", f"--workdir={tmp_path}/run"]
    assert run("train", *words)["steps"] == 3
    few = ["--repeats=1", "--seconds=0.01", "--peers=none"]
    machine = run("bench", *tiny, "--part=queue", *few)["machine"]
    assert machine["cores"] == os.cpu_count()
    assert (machine["memory_gib"], machine["load"]) == (None, None)
