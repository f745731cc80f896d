"""Without graphs/, its flags and its row, a package is left that trains images."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from helpers.models import TINY

ROOT = pathlib.Path(__file__).parents[1]


def without(text, *pieces):
    """Return `text` without each of the pieces, which must be there."""
    for piece in pieces:
        assert piece in text, piece
        text = text.replace(piece, "")
    return text


def remove_graphs(package):
    """Delete the folder, its command, its flags and its row of the table."""
    shutil.rmtree(package / "graphs")
    (package / "nodes.py").unlink()
    (package / "config" / "graph_flags.py").unlink()
    config = package / "config" / "pretrain_config.py"
    text = without(
        config.read_text(),
        "from ressl_tf.config.graph_flags import GraphFlags, check_graph\n",
        "GraphFlags, ",
        "        check_graph(self)\n",
    )
    config.write_text(text)
    table = package / "config" / "method_table.py"
    row = '    "rgrl": MethodRow("ressl_tf.graphs.rgrl:RGRL", "graphs"),\n'
    table.write_text(without(table.read_text(), row))


@pytest.fixture
def package(tmp_path):
    """Return a copy of the package without its wing for graphs."""
    shutil.copytree(ROOT / "ressl_tf", tmp_path / "ressl_tf")
    remove_graphs(tmp_path / "ressl_tf")
    return tmp_path / "ressl_tf"


def test_nothing_else_imports_it(package):
    """But for the command line of export, which asks for it by name."""
    named = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "ressl_tf.graphs" in path.read_text()
    }
    assert named == {"__init__.py", "config/method_table.py", "export.py"}


@pytest.mark.slow
def test_images_are_trained_and_exported_without_it(package, photos, tmp_path):
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    commands = {
        "train": [*flags, f"--dataset=folder:{photos}", "--workdir=run"],
        "knn": ["--workdir=run", "--knn_k=5"],
        "export": ["--workdir=run", "--output=exported"],
    }
    env = {**os.environ, "PYTHONPATH": str(package.parent)}
    lines = {}
    for name, arguments in commands.items():
        done = subprocess.run(
            [sys.executable, "-m", f"ressl_tf.{name}", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        lines[name] = json.loads(done.stdout.splitlines()[-1])
    assert lines["train"]["steps"] == 9
    assert lines["knn"]["knn_top1"] == lines["train"]["knn_top1"]
    assert lines["export"]["feature_dim"] == lines["knn"]["feature_dim"]
