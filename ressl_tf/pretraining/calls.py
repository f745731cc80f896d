"""Commands as Python calls: `ressl_tf.knn(...)` is `ressl-tf knn ...`.

Names, defaults, checks and results are those of the command line: an argument is a flag
without its dashes, and the same function is run. Errors are raised.
"""

import importlib
import inspect
import os
import pathlib
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.flag_arguments import defaults, from_arguments
from ressl_tf.data.python_data import as_dataset
from ressl_tf.engine.progress import keras_bar
from ressl_tf.pretraining import python_backbone
from ressl_tf.pretraining.result import Result
from ressl_tf.runtime import backend, flag_help
from ressl_tf.runtime.errors import Interrupted, UsageError

HELP = """

    Args:
        run: what is evaluated or used, where the command takes a workdir: a result of
            another call, the path of a workdir, or that of an exported model. Or a
            config, and nothing else.
        data: instead of `dataset`: the path of a folder, several paths of folders and
            files, a TFDS name, an array [n, height, width, 3] or a `tf.data.Dataset` of
            images, alone or in a pair with their labels.
        out: the folder to write to: `output` where the command has it, or `workdir`.
        flagfile: a file of flags; arguments here win over it.
        **flags: those of the command, listed below.

    Raises:
        UsageError: an argument or the data cannot be used.
        RunError: the command failed.
"""


def call_of(command: str) -> Callable[..., Any]:
    """Make the Python call of a command line of the package.

    Args:
        command: the name of its file at the root of the package.
    """
    module = importlib.import_module(f"ressl_tf.{command}")
    cls = typing.get_type_hints(module.main)["config"]

    def call(
        run: Any = None, *, data: Any = None, out: Any = None, flagfile="", **given: Any
    ) -> Any:
        backend.check()
        if isinstance(run, cls):
            config = run
        else:
            if run is not None and issubclass(cls, Config):
                raise UsageError(
                    "the first argument is a config; give data= and out= by name. "
                    f"Received: {run!r}"
                )
            config = _config(cls, run, data, out, flagfile, given)
        return _run(module.main, config)

    call.__name__ = call.__qualname__ = "pretrain" if command == "train" else command
    call.__module__ = "ressl_tf"
    call.__doc__ = flag_help.help_text(cls, (module.__doc__ or "").strip() + HELP)
    call.__signature__ = _signature(call, cls)  # type: ignore[attr-defined]
    call.main = module.main  # type: ignore[attr-defined]
    return call


def _signature(call: Callable, cls: type) -> inspect.Signature:
    """Return a signature that names every flag with its default."""
    *own, _ = inspect.signature(call).parameters.values()
    named = defaults(cls)
    kind = inspect.Parameter.KEYWORD_ONLY
    rest = [inspect.Parameter(n, kind, default=value) for n, value in named.items()]
    return inspect.Signature([*own, *rest])


def _config(
    cls: type, run: Any, data: Any, out: Any, flagfile: Any, given: Mapping[str, Any]
) -> Any:
    """Make the config that the arguments of a call ask for."""
    names = defaults(cls)
    given = dict(given)
    for name, value in {**_source(run, names), **_place(out, names)}.items():
        if name in given:
            raise UsageError(f"{name} is given twice. Received: {value!r} and another")
        given[name] = value
    if data is not None:
        if "dataset" not in names or "dataset" in given:
            reason = "beside dataset" if "dataset" in given else "there is no dataset"
            raise UsageError(f"data cannot be given here: {reason}")
        given["dataset"] = as_dataset(data, _folder(given))
    if given.get("backbone") is not None:
        given["backbone"] = python_backbone.as_name(given["backbone"], _folder(given))
    return from_arguments(cls, given, flagfile)


def _folder(given: Mapping[str, Any]) -> str:
    return given.get("output") or given.get("workdir") or ""


def _source(run: Any, names: Mapping[str, Any]) -> dict[str, str]:
    """Return the flag that says what is evaluated or used."""
    if run is None:
        return {}
    path = run.workdir if isinstance(run, Result) else run
    if not isinstance(path, str | os.PathLike) or "workdir" not in names:
        raise UsageError(
            "the first argument is a result of another call, the path of a workdir or "
            f"of an exported model, or a config. Received: {type(run).__name__}"
        )
    place = pathlib.Path(path).expanduser()
    exported = place.is_file() or (place / "saved_model.pb").is_file()
    return {"model" if exported and "model" in names else "workdir": str(path)}


def _place(out: Any, names: Mapping[str, Any]) -> dict[str, str]:
    """Return the flag that says where to write."""
    if out is None:
        return {}
    return {"output" if "output" in names else "workdir": os.fspath(out)}


def _run(main: Callable[[Any], Any], config: Any) -> Any:
    """Run a command; Ctrl-C, after which it has saved, makes a result of its own."""
    try:
        with keras_bar():
            made = main(config)
            if isinstance(made, Iterator):
                return [Result(line) for line in made]
            return None if made is None else Result(made)
    except Interrupted as stop:
        if stop.by != "SIGINT":
            raise SystemExit(stop.status) from None
        return Result(stop.result, interrupted=True)
