#!/usr/bin/env python3
"""Write ressl_tf/__init__.pyi, which shows the public names to editors and mypy.

    python scripts/write_stub.py

They are loaded when they are first used, which no editor follows. Run it after adding a
public name or a method.
"""

import importlib
import pathlib
import typing

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.config.flag_arguments import defaults

STUB = pathlib.Path(ressl_tf.__file__).with_suffix(".pyi")


def call(name: str, command: str) -> str:
    """Return a call's line: with all of its flags, or short where they are train's."""
    main = importlib.import_module(f"ressl_tf.{command}").main
    cls = typing.get_type_hints(main)["config"]
    flags = [
        f"{flag}: {'Any' if isinstance(value, tuple) else type(value).__name__} = ..."
        for flag, value in defaults(cls).items()
    ]
    if issubclass(cls, Config) and cls is not Config:
        flags = ["**flags: Any"]
    own = ["run: Any = ...", "*", "data: Any = ...", "out: Any = ..."]
    arguments = ", ".join([*own, "flagfile: Any = ...", *flags])
    made = "list[Result]" if command in ("sweep", "transfer") else "Result"
    return f"def {name}({arguments}) -> {made}: ..."


def text() -> str:
    """Return the stub: one import a line, so that a name's home is one click away."""
    names = sorted(ressl_tf._HOMES.items(), key=lambda item: (item[1], item[0]))
    lines = [f"from {home} import {name} as {name}" for name, home in names]
    for name, home in ressl_tf._MODULES.items():
        package = home.rpartition(".")[0]
        lines.append(f"from {package} import {name} as {name}")
    return "\n".join(
        [
            '"""The public names of ressl_tf; written by scripts/write_stub.py."""',
            "",
            "from typing import Any",
            "",
            *sorted(lines),
            "",
            *(call(*item) for item in sorted(ressl_tf._CALLS.items())),
            "",
            "__version__: str",
            "",
        ]
    )


if __name__ == "__main__":
    STUB.write_text(text())
