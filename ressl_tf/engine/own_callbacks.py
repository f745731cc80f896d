"""Callbacks of the user's, by the names that `--callbacks` gives."""

import functools
import importlib
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import keras

from ressl_tf.runtime.errors import Interrupted, RunError, UsageError, reason_of

LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "purelib"))
OURS = (Interrupted, RunError, UsageError)  # which say themselves what to say


def load(names: Iterable[str]) -> list[keras.callbacks.Callback]:
    """Make the callbacks of all names, in their order.

    What one of them raises while it is called ends the run as a `RunError`, which
    names the callback and the line.

    Args:
        names: "module:function"; a module of the working directory is found too.

    Raises:
        UsageError: there is no such function, or it makes no callback.
        RunError: the module or the function raises an error of its own.
    """
    return [made for name in names if name for made in _make(name)]


def _make(name: str) -> list[keras.callbacks.Callback]:
    made = _calling(name, "the function", _function(name))()
    several = list(made) if isinstance(made, list | tuple) else [made]
    for one in several:
        if not isinstance(one, keras.callbacks.Callback):
            raise UsageError(
                f"--callbacks={name} must make a keras.callbacks.Callback or a list of "
                f"them. Received: {type(one).__name__}"
            )
        _name_errors(name, one)
    return several


def _function(name: str) -> Callable[[], Any]:
    module, _, function = name.partition(":")
    if not module or not function:
        raise UsageError(f"--callbacks must be module:function. Received: {name}")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        imported = _calling(name, "the module", importlib.import_module)(module)
        return getattr(imported, function)
    except (RunError, AttributeError) as error:
        cause = error.__cause__ or error
        if not isinstance(cause, ImportError | AttributeError):
            raise
        kind = type(cause).__name__
        raise UsageError(
            f"--callbacks={name} cannot be made: {kind}: {reason_of(cause)}"
        ) from cause


def _name_errors(name: str, callback: keras.callbacks.Callback) -> None:
    """Let errors of all methods that Keras calls say whose they are."""
    for method in dir(callback):
        if method.startswith("on_"):
            what = f"{type(callback).__name__}.{method}"
            named = _calling(name, what, getattr(callback, method))
            setattr(callback, method, named)


def _calling(name: str, what: str, function: Callable) -> Callable:
    """Return `function`, whose errors become one line that names it and the place."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except OURS:
            raise
        except Exception as error:
            raise RunError(
                f"--callbacks={name}: {what} raised {type(error).__name__}: "
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
