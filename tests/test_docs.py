"""README, configs and notebook say what is true: their commands run."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from ressl_tf import flags, methods
from ressl_tf.config import Config

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def lines(language):
    return [line for block in blocks(language) for line in block.splitlines()]


def run(command, tmp_path, *more):
    """Runs `python -m ...` as a user would, in the project's folder."""
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"]
    home = {"HOME": os.environ.get("HOME", str(tmp_path)), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, *words[1:], *more],
        cwd=ROOT,
        env=home,
        capture_output=True,
        text=True,
        timeout=900,
    )


def commands():
    return [line for line in lines("bash") if line.startswith("python -m")]


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_readme_commands_run(command, tmp_path):
    trial = {"--help", "--dry_run"} & set(command.split()) or "--max_steps" in command
    workdir = f"--workdir={tmp_path}/run"
    done = run(command, tmp_path, *([workdir] if trial else [workdir, "--dry_run"]))
    assert done.returncode == 0, done.stderr
    if "--help" not in command:
        assert json.loads(done.stdout.splitlines()[-1])["workdir"]


def test_readme_scripts_exist_and_its_links_lead_somewhere():
    for line in lines("bash"):
        first = line.split()[0]
        if first.startswith("scripts/"):
            assert os.access(ROOT / first, os.X_OK), first
    files = re.findall(r"(?:configs|notebooks|docs|tests|ressl_tf)/[\w/]+\.\w+", README)
    assert len(files) > 8
    for name in files:
        assert (ROOT / name).exists(), name


def test_readme_flags_exist():
    names = set(re.findall(r"`--(\w+)", README))
    fields = set(Config.__dataclass_fields__)
    assert names - fields - {"flagfile", "help"} == set()


def test_readme_explains_every_key_of_the_result():
    for key in ("loss", "knn_top1", "knn_top1_untrained", "embedding_std"):
        assert f"`{key}`" in README


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_parse_and_begin_with_what_to_expect(path):
    config = flags.parse(Config, [f"--flagfile={path}"])
    text = path.read_text()
    assert f"configs/{path.name}" in text or path.stem == "demo"
    for heading in ("Data:", "Hardware:", "Time:", "Measured:"):
        assert re.search(rf"^# {heading}", text, re.MULTILINE), heading
    named = [name for name in methods.names() if path.stem.startswith(f"{name}_")]
    assert config.method == max(named, key=len, default="ressl")


SMALL = {
    "learning_rate": 0.06,
    "weight_decay": 5e-4,
    "decay_vectors": True,
    "batch_norm": "split",
    "hidden_dim": 2048,
    "embedding_dim": 128,
}
CIFAR = {"queue_size": 4096, "momentum": 0.99, "image_size": 32, "stem": "small"}
STL = {
    "queue_size": 16384,
    "momentum": 0.996,
    "image_size": 64,
    "stem": "small_maxpool",
}
IMAGENET = {
    "queue_size": 131072,
    "momentum": 0.999,
    "image_size": 224,
    "stem": "standard",
    "learning_rate": 0.05,
    "weight_decay": 1e-4,
    "decay_vectors": False,
    "batch_norm": "local",
    "hidden_dim": 4096,
    "embedding_dim": 512,
}
RECO = {
    "queue_size": 65536,
    "learning_rate": 0.03,
    "decay_vectors": True,
    "batch_norm": "split",
    "hidden_dim": 2048,
    "embedding_dim": 256,
    "infonce_temp": 0.2,
}
RSA_SMALL = {
    "learning_rate": 0.1,
    "warmup_epochs": 0.0,
    "cosine_per_epoch": True,
    "optimizer": "sgd",
    "batch_norm": "local",
    "hidden_dim": 1024,
    "predictor_dim": 1024,
    "momentum": 0.99,
    "momentum_schedule": "cosine",
    "head": "bn",
    "zero_init_gamma": True,
    "beta0": 0.4,
    "beta_schedule": "cosine",
}
RSA_IMAGENET = {
    "learning_rate": 4.8,
    "warmup_epochs": 10.0,
    "cosine_per_epoch": False,
    "optimizer": "lars",
    "trust_coefficient": 1e-3,
    "weight_decay": 1e-6,
    "batch_size": 2048,
    "batch_norm": "sync",
    "hidden_dim": 4096,
    "predictor_dim": 4096,
    "embedding_dim": 256,
}
CROPS = {
    "crop_sizes": (224, 192, 160, 128, 96),
    "crop_scales": (0.2, 1, 0.172, 0.86, 0.143, 0.715, 0.114, 0.571, 0.086, 0.429),
}
COMMON = {
    "student_temp": 0.1,
    "teacher_temp": 0.04,
    "epochs": 200,
    "warmup_epochs": 5.0,
    "batch_size": 256,
    "sgd_momentum": 0.9,
    "width": 1.0,
    "crop_scale_min": 0.2,
    "color_jitter": (0.4, 0.4, 0.4, 0.1),
    "color_jitter_prob": 0.8,
    "grayscale_prob": 0.2,
    "blur_prob": 0.5,
    "flip_prob": 0.5,
}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("r18_cifar10", SMALL | CIFAR),
        ("r18_cifar100", SMALL | CIFAR),
        ("r18_stl10", SMALL | STL),
        ("r18_tiny_imagenet", SMALL | STL),
        ("r50", IMAGENET),
        ("ressl_multicrop_r50", IMAGENET | CROPS),
        ("ressl_plus_r50", IMAGENET),
        ("mocov2_r50", IMAGENET | RECO),
        ("reco_r50", IMAGENET | RECO | {"lambda1": 1.0, "lambda2": 1.0}),
        ("byol_r18_cifar10", SMALL | RSA_SMALL),
        ("byol_r50", IMAGENET | RSA_SMALL | RSA_IMAGENET),
        ("rsa_r18_cifar10", SMALL | RSA_SMALL),
        ("rsa_r50", IMAGENET | RSA_SMALL | RSA_IMAGENET),
    ],
)
def test_the_papers_hyper_parameters(name, own):
    """Those of the official code: a slip in a flag file would cost someone a week."""
    config = flags.parse(Config, [f"--flagfile={ROOT}/configs/{name}.flags"])
    unused = ("queue_size",) if config.method in ("byol", "rsa") else ()
    for flag, value in (COMMON | own).items():
        assert flag in unused or getattr(config, flag) == value, flag


@pytest.mark.slow
def test_readme_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    names = {}
    exec(code, names)
    assert names["features"].shape == (5000, 512)
    assert (tmp_path / "encoder.keras").exists()


@pytest.mark.slow
def test_the_notebook_runs_and_learns(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=900, resources=where).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    printed = "".join(o.get("text", "") for o in outputs)
    before, after = re.search(r"([\d.]+) untrained, ([\d.]+) after", printed).groups()
    assert float(after) > float(before) + 0.15
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 3  # views, curve, neighbours
