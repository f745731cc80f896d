#!/usr/bin/env python3
"""Write ressl_tf/__init__.pyi, which shows the public names to editors and mypy.

    python scripts/write_stub.py

They are loaded when they are first used, which no editor follows. Run it after adding a
public name or a method.
"""

import pathlib

import ressl_tf

STUB = pathlib.Path(ressl_tf.__file__).with_suffix(".pyi")


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
            *sorted(lines),
            "",
            "__version__: str",
            "",
        ]
    )


if __name__ == "__main__":
    STUB.write_text(text())
