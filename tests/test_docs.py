"""README, pages and configs say what is true: their commands run."""

import importlib
import json
import os
import pathlib
import re
import shlex
import shutil
import typing

import numpy as np
import pytest
from helpers.users_files import write_lists, write_networks

from ressl_tf.config import Config
from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.config.method_table import method_names
from ressl_tf.runtime import flags
from ressl_tf.saving import exporter

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GUIDES = {  # whose commands and code are run, after those of the README
    name: (ROOT / "docs" / f"{name}.md").read_text()
    for name in (
        *("photos", "evaluation", "numbers", "python", "export", "compare"),
        *("benchmark", "methods", "graphs", "trackers", "deploy"),
    )
}
PAGES = "\n".join([README, *GUIDES.values()])
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))


def blocks(language, text=PAGES):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def lines(language):
    return [line for block in blocks(language) for line in block.splitlines()]


def readme_commands():
    """Return all commands but `ressl-tf --help`, as they are written."""
    named = [line for line in lines("bash") if re.match(r"ressl-tf \w", line)]
    return [line.partition("  #")[0] for line in named]


def config_of(command):
    """Return the flags' class that a command's module parses with."""
    module = importlib.import_module(f"ressl_tf.{shlex.split(command)[1]}")
    return typing.get_type_hints(module.main)["config"]


@pytest.mark.parametrize("command", readme_commands())
def test_readme_commands_parse(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    arguments = shlex.split(command)[2:]
    if "--help" not in arguments:
        flags.parse(config_of(command), arguments)


def trial(command, photos):
    """Return the command as it can be tried here: on these photos, trained briefly."""
    command = command.replace("folder:/photos", f"folder:{photos}")
    command = command.replace("/path/cora.npz", "tiny.npz --graph_sample=10")
    command = command.replace("--dataset=voc/2007", "--help")  # TFDS downloads it
    name, *words = shlex.split(command)[1:]
    if {"--help", "--dry_run"} & set(words) or "linear --workdir=runs/cora" in command:
        return command
    short = {
        "train": "" if "--max_steps" in command else "--dry_run",
        "linear": "--epochs=1",
        "finetune": "--epochs=1",
        "preview": "--image_size=16",  # of these photos
        "demo": "--dry_run",
        "export": "--overwrite",  # which several pages show
        "sweep": "--dry_run",  # many runs
        "bench": "--part=queue --output= --repeats=1 --seconds=0.01",
        "convert": "--help",  # needs a file of PyTorch's
    }
    return f"{command} {short.get(name, '')}"


@pytest.mark.slow
def test_readme_commands_run(commands, photos, unbroken, graph_run, tmp_path):
    """One after the other, in a folder that has the configs and runs."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    shutil.copytree(graph_run, tmp_path / "runs" / "cora")
    shutil.copy(graph_run.parent / "tiny.npz", tmp_path)
    shutil.copy(photos / "test/red/0.png", tmp_path / "one.jpg")  # its bytes say what
    for name in ("my-run", "imported"):
        shutil.copytree(unbroken[1], tmp_path / "runs" / name)
    write_networks(tmp_path)
    write_lists(tmp_path, photos)
    for command in readme_commands():
        name, *words = shlex.split(trial(command, photos))[1:]
        status, out, err = commands.run(name, *words, cwd=tmp_path)
        assert status == 0, f"{command}: {err}"
        if "--help" not in words:
            assert json.loads(out.splitlines()[-1])


def test_readme_scripts_exist_and_its_links_lead_somewhere():
    for line in lines("bash"):
        first = line.split()[0]
        if first.startswith("scripts/"):
            assert os.access(ROOT / first, os.X_OK), first
    files = re.findall(
        r"(?:configs|notebooks|docs|tests|ressl_tf)/[a-z0-9_/]+\.\w+", PAGES
    )
    assert len(files) > 8
    for name in files:
        assert (ROOT / name).exists(), name


def test_readme_is_short_and_links_to_pages_that_are_there():
    assert README.count("\n") < 150
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert len(links) > 12
    assert [link for link in links if not (ROOT / link).exists()] == []
    for name, text in GUIDES.items():
        for link in re.findall(r"\]\(((?!http)[^)#]+)\)", text):
            assert (ROOT / "docs" / link).exists(), f"{name}: {link}"


def test_readme_flags_exist():
    names = set(re.findall(r"`--(\w+)", PAGES))
    fields = {
        name for c in readme_commands() for name in config_of(c).__dataclass_fields__
    }
    general = {"flagfile", "help", "traceback", "completion"}
    general |= {"nodecay_bias_and_norm", "notensorboard"}
    assert names - fields - general == set()


def test_readme_explains_every_key_of_the_result():
    for key in ("loss", "knn_top1", "knn_top1_untrained", "embedding_std"):
        assert f"`{key}`" in GUIDES["numbers"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_parse_and_begin_with_what_to_expect(path):
    text = path.read_text()
    command = re.search("python -m .*|$", text)[0]
    if "ressl_tf.linear" in command:
        flags.parse(LinearConfig, ["--workdir=run", f"--flagfile={path}"])
    else:
        named = [n for n in method_names() if path.stem.startswith(f"{n}_")]
        config = flags.parse(Config, [f"--flagfile={path}"])
        assert config.method == max(named, key=len, default="ressl")
    assert f"configs/{path.name}" in text or path.stem == "demo"
    for heading in ("Data:", "Hardware:", "Time:", "Measured:"):
        assert re.search(rf"^# {heading}", text, re.MULTILINE), heading


SMALL = {
    "learning_rate": 0.06,
    "weight_decay": 5e-4,
    "decay_bias_and_norm": True,
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
    "decay_bias_and_norm": False,
    "batch_norm": "shuffle",
    "hidden_dim": 4096,
    "embedding_dim": 512,
}
RECO = {
    "queue_size": 65536,
    "learning_rate": 0.03,
    "decay_bias_and_norm": True,
    "batch_norm": "shuffle",
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
def test_readme_python_runs(unbroken, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls, notebook, own_views = blocks("python", GUIDES["python"])
    downstream, segmenting = blocks("python", GUIDES["export"])
    names = {}
    exec(*blocks("python", README), names)
    assert names["features"].shape == (64, 128)
    exec(calls, names)
    assert names["probe"]["top1"] > 0.15
    exec(notebook, names)
    assert names["features"].shape == (256, 512)
    assert (tmp_path / "encoder.keras").exists()
    exec(own_views, names)
    assert names["model"].views.names == ("strong", "weak")
    exporter.export(ExportConfig(workdir=str(unbroken[1]), output="exported"))
    names = {"images": images, "batches": [(images, np.arange(12) % 10)] * 5}
    exec(downstream, names)
    assert names["features"].shape == (12, 32)
    assert 0 < names["loss"] < np.log(10)
    exec(segmenting.replace("runs/my-run", str(unbroken[1])), names)
    assert names["segmenter"].output_shape == (None, 64, 64, 2)
