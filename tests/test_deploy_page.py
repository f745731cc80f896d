"""The code and commands of docs/deploy.md run, on the exports that it makes."""

import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.saving.exporter import export
from ressl_tf.saving.pretrained import open_pretrained

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "deploy.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def page(unbroken, tmp_path_factory):
    """Return a folder with the page's exports, its images and their features."""
    folder = tmp_path_factory.mktemp("page")
    source = str(unbroken[1])
    pretrained = open_pretrained(source)
    side = pretrained.image_size
    images = np.random.default_rng(0).integers(0, 256, (5, side, side, 3), np.uint8)
    np.save(folder / "images.npy", images)
    pytest.importorskip("tf2onnx")
    forms = {"exported": "saved_model", "my.tflite": "litert", "my.onnx": "onnx"}
    for name, form in forms.items():
        export(ExportConfig(source, format=form, output=str(folder / name)))
    return folder, images, pretrained.encoder.features(images)


@pytest.mark.slow
def test_the_code_of_the_page_gives_the_features(page, monkeypatch):
    folder, images, wanted = page
    monkeypatch.chdir(folder)
    pytest.importorskip("ai_edge_litert")
    pytest.importorskip("onnxruntime")
    codes = blocks("python")
    assert len(codes) == 2
    for code in codes:
        names = {"images": images}
        exec(code, names)
        np.testing.assert_allclose(names["features"], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_saved_model_cli_gives_the_features(page):
    folder, _, wanted = page
    lines = "".join(blocks("bash")).splitlines()
    commands = [line for line in lines if line.startswith("saved_model_cli")]
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command)
        words[0] = str(pathlib.Path(sys.executable).with_name("saved_model_cli"))
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    found = np.load(folder / "served" / "features.npy")
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
