"""The command `ressl-tf`: one name for the command lines of the package.

`ressl-tf knn FLAGS` is `python -m ressl_tf.knn FLAGS`: the same module is run, so that
help, flags and exit status are the same. The commands are the files at the root of the
package; a line of `--help` is the first of a file's docstring.
"""

import ast
import contextlib
import pathlib
import runpy
import sys
from collections.abc import Sequence

from ressl_tf.runtime import completion
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import HELP_FLAGS
from ressl_tf.runtime.nearest_names import nearest

PACKAGE = pathlib.Path(__file__).parents[1]
FIRST = ("demo", "train", "knn", "linear", "finetune", "export")  # in the help


def names() -> list[str]:
    """Return the names of the commands, the usual ones first."""
    found = {path.stem for path in PACKAGE.glob("*.py") if path.stem[0] != "_"}
    return [*filter(found.__contains__, FIRST), *sorted(found - set(FIRST))]


def commands() -> dict[str, str]:
    """Return every command with what it does in a line, the usual ones first."""
    return {name: _summary(PACKAGE / f"{name}.py") for name in names()}


def _summary(path: pathlib.Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return doc.partition("\n")[0]


def help_text() -> str:
    """Return what `ressl-tf --help` prints."""
    lines = [f"  {name:<9} {summary}" for name, summary in commands().items()]
    return "\n".join(
        [
            "Relational self-supervised learning of images and graphs.",
            "",
            "    ressl-tf COMMAND --FLAG=VALUE ...",
            "    ressl-tf COMMAND --help",
            "",
            *lines,
            "",
            "ressl-tf COMMAND is python -m ressl_tf.COMMAND. Also: --version, and",
            "--completion bash (or zsh): a script for your shell.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, and return the exit status.

    Args:
        arguments: without the program's name; None for those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    first, rest = (words or [""])[0], words[1:]
    if first in HELP_FLAGS or first == "--version":
        with contextlib.suppress(BrokenPipeError):  # --help | head
            print(_version() if first == "--version" else help_text(), flush=True)
        return 0
    if first == "--completion":
        return _print_completion(*rest[:1])
    if first not in names():
        print(f"error: {_refusal(first)}", file=sys.stderr)
        return 2
    sys.argv = [f"ressl-tf {first}", *rest]
    runpy.run_module(f"ressl_tf.{first}", run_name="__main__", alter_sys=True)
    return 0


def _print_completion(shell: str = "") -> int:
    try:
        print(completion.script(shell, commands()), flush=True)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _version() -> str:
    return f"ressl_tf {sys.modules['ressl_tf'].__version__}"


def _refusal(name: str) -> str:
    if not name:
        return "give a command; ressl-tf --help lists them"
    close = nearest(name, names())
    return f"no such command (ressl-tf --help lists all){close}. Received: {name}"
