"""Callbacks of the user's, by the names that `--callbacks` gives."""

from collections.abc import Iterable

import keras

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.own_code import calling, function_of

FLAG = "callbacks"


def load(names: Iterable[str]) -> list[keras.callbacks.Callback]:
    """Make the callbacks of all names, in their order.

    What one of them raises while it is called ends the run as a `RunError`, which
    names the callback and the line.

    Args:
        names: "module:function", where a module of the working directory is found too,
            or "file.py:function".

    Raises:
        UsageError: there is no such function, or it makes no callback.
        RunError: the module or the function raises an error of its own.
    """
    return [made for name in names if name for made in _make(name)]


def _make(name: str) -> list[keras.callbacks.Callback]:
    made = calling(FLAG, name, "the function", function_of(FLAG, name))()
    several = list(made) if isinstance(made, list | tuple) else [made]
    for one in several:
        if not isinstance(one, keras.callbacks.Callback):
            raise UsageError(
                f"--callbacks={name} must make a keras.callbacks.Callback or a list of "
                f"them. Received: {type(one).__name__}"
            )
        _name_errors(name, one)
    return several


def _name_errors(name: str, callback: keras.callbacks.Callback) -> None:
    """Let errors of all methods that Keras calls say whose they are."""
    for method in dir(callback):
        if method.startswith("on_"):
            what = f"{type(callback).__name__}.{method}"
            named = calling(FLAG, name, what, getattr(callback, method))
            setattr(callback, method, named)
