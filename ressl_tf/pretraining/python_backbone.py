"""A backbone as Python has it, a model or a function, as the name a config keeps."""

import hashlib
import inspect
import os
import pathlib
from typing import Any

import keras

from ressl_tf.runtime.errors import UsageError, reason_of
from ressl_tf.saving import keras_file


def as_name(backbone: Any, folder: str | os.PathLike[str]) -> str:
    """Return what --backbone would say.

    A model is saved into `folder`, as is one that a function of a notebook or script
    returns; another function is found again by its file or module.

    Args:
        backbone: a text, a Keras model, or a function or class that makes one.
        folder: of the run.

    Raises:
        UsageError: it is none of these, or the model cannot be saved.
    """
    if isinstance(backbone, str | os.PathLike):
        return os.fspath(backbone)
    if callable(backbone) and not isinstance(backbone, keras.layers.Layer):
        if name := _name_of(backbone):
            return name
        backbone = backbone()
    if not isinstance(backbone, keras.Model):
        raise UsageError(
            "backbone is a name, a keras.Model from images to features, or a function "
            f"that makes one. Received: {type(backbone).__name__}"
        )
    if not folder:
        raise UsageError("a backbone of your own needs out=, where it is kept")
    return _saved(backbone, pathlib.Path(folder).expanduser().absolute())


def _name_of(function: Any) -> str:
    """Return "file.py:name" or "module:name"; empty where neither finds it again."""
    name, module = getattr(function, "__qualname__", ""), function.__module__
    if not name.isidentifier() or module == "__main__":
        return ""
    if "." in module:  # its relative imports need the package
        return f"{module}:{name}"
    try:
        file = inspect.getsourcefile(function)
    except (TypeError, OSError):
        return ""
    return f"{os.path.abspath(file)}:{name}" if file and os.path.isfile(file) else ""


def _saved(model: keras.Model, folder: pathlib.Path) -> str:
    """Save a model once; one of the same layers and shapes is the same backbone."""
    if not model.built:
        raise UsageError(
            f"the backbone {model.name} has no weights yet: give it an Input, or call "
            "it on images once"
        )
    parts = [
        (type(part).__name__, [tuple(v.shape) for v in part.weights])
        for part in model._flatten_layers()
    ]
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:8]
    path = folder / f"backbone-{digest}.keras"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        keras_file.save(model, path)
        _check_opens(path)
    return str(path)


def _check_opens(path: pathlib.Path) -> None:
    try:
        keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises many
        path.unlink()
        raise UsageError(
            f"the backbone cannot be opened again: {reason_of(error)} - give the "
            "function that makes it, from a file: backbone='file.py:function'"
        ) from None
