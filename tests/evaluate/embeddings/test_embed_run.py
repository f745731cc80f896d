"""Features of a folder in a file: right, whole, and after a stop the same bytes."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.evaluate import features
from ressl_tf.evaluate.embeddings import embed_loop
from ressl_tf.evaluate.embeddings.embed_run import embed
from ressl_tf.evaluate.embeddings.embedded import read
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import open_pretrained


@pytest.fixture
def folder(photos, tmp_path):
    """Return photos of which two cannot be read, the first and one in the middle."""
    root = tmp_path / "photos"
    shutil.copytree(photos / "train", root)
    (root / "blue" / "00.png").write_bytes(b"no image")
    (root / "red" / "5x.png").write_bytes((root / "red" / "5.png").read_bytes()[:40])
    return root


def config(unbroken, folder, output, **options):
    values = {"dataset": f"folder:{folder}", "batch_size": 8, **options}
    return EmbedConfig(workdir=str(unbroken[1]), output=str(output), **values)


@pytest.mark.slow
def test_every_readable_image_in_order(unbroken, photos, folder, tmp_path):
    line = embed(config(unbroken, folder, tmp_path / "x.npz"))
    found = read(tmp_path / "x.npz")
    assert (line["images"], line["unreadable"], line["feature_dim"]) == (26, 2, 32)
    listed = sorted(str(path) for path in folder.rglob("*.png"))
    bad = [str(folder / "blue/00.png"), str(folder / "red/5x.png")]
    assert found.paths.tolist() == [path for path in listed if path not in bad]
    source = load_source(f"folder:{photos}/train", "train")
    model = open_pretrained(unbroken[1]).encoder.feature_model()
    wanted, labels = features.extract(model, evaluation_batches(source, 16, 8))
    np.testing.assert_allclose(found.features, wanted, atol=1e-5)
    assert found.labels.tolist() == labels.tolist()
    assert found.label_names == ("blue", "red")
    lines = (tmp_path / "x.npz.unreadable.jsonl").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == bad
    assert not list(tmp_path.glob("*.parts"))
    with pytest.raises(UsageError, match="or give --overwrite"):
        embed(config(unbroken, folder, tmp_path / "x.npz"))


@pytest.mark.slow
def test_after_a_stop_the_same_bytes(unbroken, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(embed_loop, "PART_SECONDS", 0)
    embed(config(unbroken, folder, tmp_path / "whole.npz"))
    computed = []

    def dying(model):
        predict = features.predictor(model)

        def call(images):
            if len(computed) == 2:
                raise RunError("killed")
            computed.append(len(images))
            return predict(images)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(embed_loop, "predictor", dying)
        with pytest.raises(RunError, match="killed"):
            embed(config(unbroken, folder, tmp_path / "x.npz"))
    assert not (tmp_path / "x.npz").exists()
    with pytest.raises(UsageError, match="another config: --dtype=float16"):
        embed(config(unbroken, folder, tmp_path / "x.npz", dtype="float16"))
    counted = []
    monkeypatch.setattr(
        embed_loop.Loop, "_add", counting(embed_loop.Loop._add, counted)
    )
    embed(config(unbroken, folder, tmp_path / "x.npz"))
    assert (computed, counted) == ([8, 8], [8, 2])
    whole, resumed = (pathlib.Path(tmp_path / n) for n in ("whole.npz", "x.npz"))
    assert whole.read_bytes() == resumed.read_bytes()


def counting(add, counted):
    def wrapped(self, start, rows, images, labels):
        counted.append(len(rows))
        return add(self, start, rows, images, labels)

    return wrapped


def test_stop_names_the_first_unreadable_image(unbroken, folder, tmp_path):
    with pytest.raises(RunError, match=r"blue/00\.png: its bytes are no"):
        embed(config(unbroken, folder, tmp_path / "x.npz", on_bad_image="stop"))


@pytest.mark.slow
def test_the_projectors_output(unbroken, photos, tmp_path):
    where = config(unbroken, photos, tmp_path / "x.npz", split="test", embedding=True)
    assert embed(where)["feature_dim"] == 8
    opened = open_pretrained(unbroken[1])
    source = load_source(f"folder:{photos}", "test")
    wanted = opened.encoder(source.images)
    np.testing.assert_allclose(read(where.output).features, wanted, rtol=1e-5)


def test_numbers_that_float16_cannot_hold_are_refused(unbroken, photos, tmp_path):
    loop = embed_loop.Loop.__new__(embed_loop.Loop)
    loop.config = config(unbroken, photos, tmp_path / "x.npz", dtype="float16")
    with pytest.raises(RunError, match="reach 70000, which float16 cannot"):
        loop._as_dtype(np.array([[70000.0]], np.float32), np.array([0]))


@pytest.mark.slow
def test_tensorboards_projector(unbroken, photos, tmp_path):
    import tensorflow as tf

    where = {"split": "test", "format": "projector"}
    embed(config(unbroken, photos, tmp_path / "shown", **where))
    shown = tmp_path / "shown"
    assert np.loadtxt(shown / "features.tsv", delimiter="\t").shape == (10, 32)
    lines = (shown / "metadata.tsv").read_text().splitlines()
    assert lines[1] == f"{photos}/test/blue/0.png\tblue"
    sheet = tf.io.decode_png((shown / "thumbnails.png").read_bytes()).numpy()
    assert sheet.shape == (64, 64, 3)  # four columns of the encoder's 16 pixels
    last = tf.io.decode_png((photos / "test/red/4.png").read_bytes()).numpy()
    place = sheet[32:48, 16:32]  # the tenth
    assert np.abs(place.mean((0, 1)) - last.mean((0, 1))).max() < 3
    assert "single_image_dim: 16" in (shown / "projector_config.pbtxt").read_text()
