"""Functions of the user's, by the names that flags give.

A name is "module:function", where a module of the working directory is found too, or
"path/file.py:function".
"""

import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import pathlib
import sys
import sysconfig
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ressl_tf.runtime.errors import Interrupted, RunError, UsageError, reason_of

LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "purelib"))
OURS = (Interrupted, RunError, UsageError)  # which say themselves what to say


def function_of(flag: str, name: str) -> Callable[..., Any]:
    """Import the function, or the class, that a flag names.

    Args:
        flag: its name, for messages.
        name: "module:function" or "file.py:function".

    Raises:
        UsageError: there is no such file, module or function.
        RunError: the module raises an error of its own.
    """
    place, _, function = name.rpartition(":")
    if not place or not function:
        raise UsageError(
            f"--{flag} must be module:function or file.py:function. Received: {name}"
        )
    if place.endswith(".py") and not _absolute(place).is_file():
        raise UsageError(
            f"--{flag} names a file that is not there, or not any more: "
            f"{_absolute(place)}. Received: {name}"
        )
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    load = _from_file if place.endswith(".py") else importlib.import_module
    try:
        return getattr(calling(flag, name, "the module", load)(place), function)
    except (RunError, AttributeError) as error:
        cause = error.__cause__ or error
        if not isinstance(cause, ImportError | AttributeError):
            raise
        kind = type(cause).__name__
        raise UsageError(
            f"--{flag}={name} cannot be made: {kind}: {reason_of(cause)}"
        ) from cause


def file_of(name: str) -> pathlib.Path | None:
    """Return the file that `function_of` would run first; None where there is none.

    Args:
        name: "module:function" or "file.py:function"; nothing is imported.
    """
    place = name.rpartition(":")[0]
    if place.endswith(".py"):
        return _absolute(place).resolve()
    finder = importlib.machinery.PathFinder()
    try:
        found = finder.find_spec(place.split(".")[0], [*sys.path, os.getcwd()])
    except (ImportError, ValueError):
        return None
    places = [found.origin, *(found.submodule_search_locations or ())] if found else []
    known = next((each for each in places if each), None)
    return pathlib.Path(known).resolve() if known else None


def with_whole_path(name: str) -> str:
    """Return "file.py:function" with the absolute path, which holds in any folder.

    So does a module that is a file of the working directory; other names stay.
    """
    place, _, function = name.rpartition(":")
    if not place.endswith(".py"):
        file = pathlib.Path(f"{place}.py")
        if not place.isidentifier() or not file.is_file():
            return name
        place = str(file)
    return f"{_absolute(place)}:{function}"


def _absolute(path: str) -> pathlib.Path:
    return pathlib.Path(os.path.abspath(os.path.expanduser(path)))


def _from_file(path: str) -> ModuleType:
    """Import a file, once a process; modules in its folder are found, too."""
    file = _absolute(path)
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:8]
    name = f"own_{file.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # the name ends in .py
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def calling(flag: str, name: str, what: str, function: Callable) -> Callable:
    """Return `function`, whose errors become one line that names it and the place.

    Args:
        flag: that named it.
        name: its value.
        what: is called, in words.
        function: any.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except OURS:
            raise
        except Exception as error:
            raise RunError(
                f"--{flag}={name}: {what} raised {type(error).__name__}: "
                f"{reason_of(error)} ({_place(error)}); --traceback shows more"
            ) from error

    return call


def _place(error: BaseException) -> str:
    """Return file and line of an error: the last that is no library's, if any is."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = (*LIBRARIES, __file__, "<")  # "<frozen importlib._bootstrap>"
    own = [frame for frame in frames if not frame.filename.startswith(libraries)]
    last = (own or frames)[-1]
    return f"{os.path.relpath(last.filename)}, line {last.lineno}"
