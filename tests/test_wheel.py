"""The wheel, installed where no checkout is: demo, photos, kNN, export, Python call.

The environment takes the dependencies of the one that runs the tests by a `.pth` file,
so that the package alone is installed, in seconds.
"""

import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
CALL = """
import ressl_tf
run = ressl_tf.pretrain(data=PHOTOS, out="runs/call", flagfile="r18_narrow.flags",
                        image_size=16, batch_size=4, epochs=1, warmup_epochs=0,
                        queue_size=16, width=0.0625, knn_k=3)
print(run.metrics["steps"], ressl_tf.knn(run, knn_k=3)["top1"], ressl_tf.__file__)
"""


ENVIRONMENT = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}


def run(words, folder):
    """Run a program as if there were no checkout; return what it prints."""
    words = list(map(str, words))
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build a wheel of the files that are in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for pattern in ("ressl_tf/**/*", "configs/*.flags", "*.toml", "*.py", "*.md"):
        for path in ROOT.glob(pattern):
            if path.is_file() and "__pycache__" not in path.parts:
                copy = source / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    run([*pip, "--no-build-isolation", "-w", folder, source], folder)
    return next(folder.glob("ressl_tf-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the folder of the programs of an environment with the wheel."""
    venv = tmp_path_factory.mktemp("venv")
    run([sys.executable, "-m", "venv", "--without-pip", venv], venv)
    lib = next(venv.glob("**/site-packages"))
    (lib / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    programs = venv / ("Scripts" if sys.platform == "win32" else "bin")
    install = [programs / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    run([*install, "--force-reinstall", wheel], venv)
    return programs


@pytest.mark.slow
def test_the_wheel_is_small_and_has_the_configs(wheel):
    assert wheel.stat().st_size < 750_000  # 710 kB in 433 files
    names = zipfile.ZipFile(wheel).namelist()
    packed = zipfile.ZipFile(wheel).read("ressl_tf/config/flagfiles.json")
    there = {p.name: p.read_text() for p in (ROOT / "configs").glob("*.flags")}
    assert json.loads(packed) == there
    assert {"ressl_tf/py.typed", "ressl_tf/__init__.pyi"} <= set(names)
    assert not [name for name in names if "peers" in name or "tests" in name]


@pytest.mark.slow
def test_a_new_user_gets_from_the_demo_to_a_call(installed, photos, tmp_path):
    """In an empty folder, each step by the command that the README gives."""
    program = installed / "ressl-tf"
    assert "  train " in run([program, "--help"], tmp_path)
    small = ["--max_steps=3", "--knn_every=0", "--width=0.0625"]
    demo = run([program, "demo", *small, "--workdir=demo"], tmp_path)
    assert json.loads(demo.splitlines()[-1])["steps"] == 3
    flags = ["--flagfile=r18_narrow.flags", "--image_size=16", "--batch_size=4"]
    data = [f"--dataset=folder:{photos}", "--queue_size=16", "--workdir=runs/a"]
    run([program, "train", *flags, *data, *small], tmp_path)
    knn = run([program, "knn", "--workdir=runs/a", "--knn_k=3"], tmp_path)
    assert 0 <= json.loads(knn)["top1"] <= 1
    run([program, "export", "--workdir=runs/a", "--output=exported"], tmp_path)
    assert (tmp_path / "exported" / "saved_model.pb").exists()
    code = f"PHOTOS = {str(photos)!r}\n{CALL}"
    steps, top1, home = (
        run([installed / "python", "-c", code], tmp_path).splitlines()[-1].split()
    )
    assert int(steps) == 26 // 4
    assert 0 <= float(top1) <= 1
    assert home.startswith(str(installed.parent))
