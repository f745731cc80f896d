"""The machine that a process runs on: memory, cores, processor, load."""

import ctypes
import os
import pathlib
import platform
import sys

CPU_INFO = pathlib.Path("/proc/cpuinfo")  # of Linux
INSTRUCTIONS = {  # name -> flag there, the newest first
    "AMX": "amx_tile",
    "AVX-512 BF16": "avx512_bf16",
    "AVX-512 VNNI": "avx512_vnni",
    "AVX-512": "avx512f",
    "AVX2": "avx2",
    "AVX": "avx",
}


def physical_memory() -> int:
    """Return the machine's memory in bytes; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 0


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # macOS and Windows have none
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes; None if unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def give_back_memory() -> None:
    """Give freed memory back to the system, where the C library keeps it (glibc).

    Work that is done now and then, in threads of its own, otherwise leaves more of it
    each time.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):  # another library; Windows
        return


def processor() -> str:
    """Return the name of the processor; empty where the system does not say."""
    return _cpu_info("model name") or platform.processor()


def instructions() -> str:
    """Return the processor's newest vector instructions, as AVX2; empty if unknown.

    Those that oneDNN uses are fewer where `ONEDNN_MAX_CPU_ISA` says so.
    """
    flags = _cpu_info("flags").split()
    return next((name for name, flag in INSTRUCTIONS.items() if flag in flags), "")


def _cpu_info(field: str) -> str:
    """Return a field of the first core in Linux's list; empty elsewhere."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return ""
    values = [line.partition(":")[2] for line in lines if line.startswith(field)]
    return values[0].strip() if values else ""


def load() -> float | None:
    """Return how many processes computed in the last minute; None if unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return None
