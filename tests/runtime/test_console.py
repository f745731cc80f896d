"""`ressl-tf`: finds the commands, and is `python -m` under another name."""

import pathlib
import subprocess
import sys
import time

import pytest

from ressl_tf.runtime import console

ROOT = pathlib.Path(__file__).parents[2]


def run(*words):
    """Run a command line of Python; return status, stdout, stderr and seconds."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=ROOT
    )
    seconds = time.perf_counter() - begun
    return done.returncode, done.stdout, done.stderr, seconds


def test_help_names_every_command_in_a_line_and_is_quick():
    status, out, err, _ = run("-m", "ressl_tf", "--help")
    seconds = min(run("-m", "ressl_tf", "--help")[3] for _ in range(3))
    assert (status, err) == (0, "")
    assert seconds < 0.6  # .16 on an idle machine; TensorFlow takes five
    files = {path.stem for path in (ROOT / "ressl_tf").glob("*.py")}
    for name in files - {"__init__", "__main__"}:
        (line,) = [row for row in out.splitlines() if row.startswith(f"  {name} ")]
        assert len(line) < 100
        assert line.endswith(".")
    assert "  train     Pretrain an encoder without labels" in out


@pytest.mark.parametrize(
    "words", [["knn", "--help"], ["knn"], ["train", "--epochs=many"], ["configs"]]
)
def test_a_command_is_python_m(words):
    command, *flags = words
    ours = run("-m", "ressl_tf", *words)[:3]
    assert ours == run("-m", f"ressl_tf.{command}", *flags)[:3]
    assert ours[0] == (
        2 if words[0] in ("knn", "train") and "--help" not in words else 0
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a command"),
        (["trian"], "the nearest: train, transfer. Received: trian"),
        (["__init__"], "no such command"),
        (["--epochs=3"], "Received: --epochs=3"),
        (["runtime"], "Received: runtime"),
    ],
)
def test_what_is_no_command_is_one_line(words, message, capsys):
    assert console.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_the_version_is_that_of_the_package(capsys):
    assert console.main(["--version"]) == 0
    assert capsys.readouterr().out == "ressl_tf 0.1.0\n"
