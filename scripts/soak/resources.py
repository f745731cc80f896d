"""What a process and a folder take of the machine, seen from outside."""

import os
import pathlib
from typing import Any

MB = 2**20


def of_process(pid: int) -> dict[str, Any]:
    """Return resident memory in MB, threads and open files; empty if unknown.

    Linux's /proc says it; elsewhere psutil does, where it is installed.
    """
    try:
        return _of_proc(pathlib.Path("/proc", str(pid)))
    except (OSError, KeyError, ValueError):
        return _of_psutil(pid)


def _of_proc(folder: pathlib.Path) -> dict[str, Any]:
    lines = (folder / "status").read_text().splitlines()
    status = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return {
        "memory_mb": int(status["VmRSS"].split()[0]) * 1024 / MB,
        "threads": int(status["Threads"]),
        "open_files": len(os.listdir(folder / "fd")),
    }


def _of_psutil(pid: int) -> dict[str, Any]:
    try:
        import psutil
    except ImportError:
        return {}
    try:
        process = psutil.Process(pid)
        memory, threads = process.memory_info().rss / MB, process.num_threads()
        return {
            "memory_mb": memory,
            "threads": threads,
            "open_files": process.num_fds(),
        }
    except (psutil.Error, AttributeError):  # it has ended; Windows counts no files
        return {}


def of_folder(folder: pathlib.Path) -> float:
    """Return the MB of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # removed meanwhile
            continue
    return total / MB
