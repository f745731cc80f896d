"""Which state of the package runs: its version and, from a checkout, the commit."""

import importlib.metadata
import pathlib
import subprocess
from typing import Any

PACKAGE = pathlib.Path(__file__).parents[1]
SECONDS = 10  # that git may take


def describe(package: pathlib.Path = PACKAGE) -> dict[str, Any]:
    """Return version, commit and whether files differ from it; None where git has none.

    Args:
        package: its folder.
    """
    # Of an installed package the repository around it, the user's, says nothing.
    commit = changed = None
    if _git(package, "ls-files", "--error-unmatch", "__init__.py"):
        commit = _git(package, "rev-parse", "HEAD") or None
        changed = bool(_git(package, "status", "--porcelain", "--", "."))
    return {"version": _version(), "commit": commit, "changed": changed}


def _version() -> str | None:
    try:
        return importlib.metadata.version("ressl_tf")
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(folder: pathlib.Path, *words: str) -> str:
    """Return what git says; empty where there is no git, or nothing that it knows."""
    command = ["git", "-C", str(folder), "--no-optional-locks", *words]
    try:
        said = subprocess.run(command, capture_output=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if said.returncode else said.stdout.decode(errors="replace").strip()
