"""Encoders from disk: of runs, files and strangers."""

import json
import pathlib
import shutil
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from helpers.models import tiny_backbone, tiny_model

from ressl_tf.config import Config
from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.engine import checkpoint
from ressl_tf.methods.build import build_model
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.stored import read_config
from ressl_tf.saving.pretrained import Pretrained, learns_from, open_pretrained


def test_a_workdir_gives_its_last_online_encoder(unbroken, images):
    result, folder = unbroken
    opened = open_pretrained(str(folder))
    assert (opened.kind, opened.image_size) == ("workdir", 16)
    assert opened.config["dataset"] == result["dataset"]
    assert opened.classifier is None
    config = read_config(folder)
    lists = {name: tuple(v) for name, v in config.items() if isinstance(v, list)}
    model = build_model(Config(**{**config, **lists}))
    arrays = np.load(folder / "checkpoints" / "step-000000009.npz")
    for index, variable in enumerate(model.online.variables):
        variable.assign(arrays[f"online/{index:03d}"])
    np.testing.assert_array_equal(
        opened.encoder.features(images), model.online.features(images)
    )
    np.testing.assert_array_equal(opened.encoder(images), model.online(images))


def test_a_damaged_checkpoint_gives_way_to_the_one_before(unbroken, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(unbroken[1], folder)
    last, before = (folder / "checkpoints" / f"step-00000000{s}.npz" for s in (9, 6))
    last.write_bytes(last.read_bytes()[:1000])
    opened = open_pretrained(str(folder)).encoder
    expected = np.load(before)["online/000"]
    np.testing.assert_array_equal(opened.variables[0], expected)
    for path in (folder / "checkpoints").iterdir():
        path.write_bytes(b"no zip")
    with pytest.raises(RunError, match="none of the 3 checkpoints"):
        open_pretrained(str(folder))


def test_a_workdir_is_opened_where_it_is_now(unbroken, tmp_path, monkeypatch):
    """By `~`, and one that an earlier version has put into a folder named gs:."""
    folder = tmp_path / "gs:" / "bucket"
    shutil.copytree(unbroken[1], folder)
    config = json.loads((folder / "config.json").read_text())
    config["workdir"] = "gs://bucket"
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_pretrained("~/gs:/bucket").config["workdir"] == str(folder)
    with pytest.raises(UsageError, match="path: TensorFlow has no file system s3"):
        open_pretrained("s3://bucket")


@pytest.mark.slow
def test_a_keras_file_of_a_method_gives_its_online_encoder(images, tmp_path):
    model = tiny_model()
    model.train_on_batch(images)
    model.save(tmp_path / "ressl.keras")
    opened = open_pretrained(str(tmp_path / "ressl.keras"))
    assert (opened.kind, opened.image_size) == ("keras", 16)
    np.testing.assert_array_equal(opened.encoder(images), model.online(images))


def test_a_classifier_gives_its_encoder_and_itself(images, tmp_path):
    encoder = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    model = Classifier(encoder, 3, image_size=16)
    model.save(tmp_path / "classifier.keras")
    (tmp_path / "config.json").write_text('{"dataset": "shapes"}')
    for path in (tmp_path / "classifier.keras", tmp_path):
        opened = open_pretrained(str(path))
        np.testing.assert_array_equal(opened.classifier(images), model(images))
        np.testing.assert_array_equal(
            opened.encoder.features(images), encoder.features(images)
        )
    assert opened.config == {"dataset": "shapes"}


def test_any_keras_model_of_raw_images_is_a_backbone(images, tmp_path):
    inputs = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    keras.Model(inputs, pooled).save(tmp_path / "mean.keras")
    opened = open_pretrained(str(tmp_path / "mean.keras"))
    assert opened.image_size is None
    features = opened.encoder.features(images)
    np.testing.assert_allclose(features, images.mean(axis=(1, 2)), rtol=1e-5)


def test_a_keras_file_of_several_outputs_gives_its_features(images, tmp_path):
    inputs = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = {"features": pooled, "probabilities": keras.layers.Softmax()(pooled)}
    keras.Model(inputs, outputs).save(tmp_path / "both.keras")
    opened = open_pretrained(str(tmp_path / "both.keras"))
    features = opened.encoder.features(images)
    np.testing.assert_allclose(features, images.mean(axis=(1, 2)), rtol=1e-5)


@pytest.mark.slow
def test_a_fresh_command_knows_the_classes_of_the_methods(tmp_path):
    """Under `python -m` the public names are not loaded with the package."""
    tiny_model().save(tmp_path / "ressl.keras")
    program = (
        "import sys; argv = sys.argv; sys.argv = ['-m']; import ressl_tf;"
        "from ressl_tf.saving.pretrained import open_pretrained;"
        "print(open_pretrained(argv[1]).encoder.feature_dim)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "ressl.keras")],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "8\n", done.stderr


def make_nothing(folder):
    return folder / "nothing"


def make_empty(folder):
    return folder


def make_unfinished(folder):
    (folder / "config.json").write_text('{"label_fraction": 0.1}')
    return folder


def make_newer(folder):
    (folder / "config.json").write_text('{"method": "ressl", "telepathy": 1}')
    return folder


def make_without_checkpoint(folder):
    (folder / "config.json").write_text('{"method": "ressl", "width": 0.0625}')
    return folder


def make_text(folder):
    (folder / "model.keras").write_text("no zip")
    return folder / "model.keras"


def make_of_vectors(folder):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.save(folder / "vectors.keras")
    return folder / "vectors.keras"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_nothing, r"Received: .*nothing' \(not there\)"),
        (make_empty, "folder without config.json"),
        (make_unfinished, "holds a run that is not finished"),
        (make_newer, "another version of ressl_tf: it has telepathy"),
        (make_without_checkpoint, "holds no checkpoint: its run has not finished"),
        (make_text, "the workdir of a run, a SavedModel .*Received: .*model.keras"),
        (make_of_vectors, "must map images .* which maps \\(None, 4\\) to"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(make, message, tmp_path):
    with pytest.raises(UsageError, match=message) as caught:
        open_pretrained(str(make(tmp_path)))
    assert "\n" not in str(caught.value)


def test_one_network_of_a_checkpoint_is_restored_alone(tmp_path):
    saved, other = tiny_model(), tiny_model()
    for variable in saved.target.variables:
        variable.assign(variable + 1)
    checkpoint.Checkpoints(tmp_path).save(saved)
    online = [v.numpy() for v in other.online.variables]
    checkpoint.restore_network(tmp_path, "target", other.target)
    for one, two in zip(saved.target.variables, other.target.variables, strict=True):
        np.testing.assert_array_equal(one, two)
    for old, new in zip(online, other.online.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_run_on_a_graph_is_known_by_its_config(graph_run, tmp_path):
    assert learns_from(str(graph_run)) == "graphs"
    images = tmp_path / "images"
    images.mkdir()
    values = {"method": "ressl", "dataset": "shapes"}
    (images / "config.json").write_text(json.dumps(values))
    assert learns_from(str(images)) == "images"
    for other in (str(tmp_path), "", str(tmp_path / "nowhere")):
        assert learns_from(other) == ""


def test_images_are_decoded_as_in_training_unless_it_is_said_otherwise():
    config = {"exif": "ignore", "value_range": "0,4095", "pixels": "float32"}
    trained = Pretrained(None, "workdir", None, 16, config=config)
    assert trained.decoding_or("auto", "auto") == config
    asked = {"exif": "apply", "value_range": "dtype", "pixels": "uint8"}
    assert trained.decoding_or(*asked.values()) == asked
    for usual in ({}, {"exif": "apply", "value_range": "auto"}):
        opened = Pretrained(None, "workdir", None, 16, config=usual)
        assert opened.decoding_or("auto", "auto") == dict.fromkeys(config, "auto")


def test_what_a_run_skipped_is_skipped_when_it_is_judged():
    def skips(given, **trained):
        run = Pretrained(pathlib.Path("x"), "workdir", None, 32, config=trained)
        config = KNNConfig(model="x", dataset=given)
        assert run.resolved(config).on_bad_image == "stop"
        return run.resolved_to_judge(config).on_bad_image == "skip"

    run = {"dataset": "folder:/a", "on_bad_image": "skip"}
    assert skips("", **run)
    assert skips("folder:/a", **run)
    assert not skips("folder:/b", **run)
    assert not skips("", dataset="folder:/a", on_bad_image="stop")
    assert not skips("folder:/a")


def lambda_layer():
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "registered_name": None,
        "config": {"name": "x", "function": {"class_name": "__lambda__"}},
    }


def test_code_in_a_keras_file_is_refused_before_keras_opens_it(tmp_path, monkeypatch):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(lambda_layer()))
    monkeypatch.setattr(keras.saving, "load_model", None)
    with pytest.raises(UsageError, match=r"brings code of its own \(a layer Lambda\)"):
        open_pretrained(str(path))


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "a.pkl", "a.npz"])
def test_files_of_other_kinds_are_refused_unopened(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr(keras.saving, "load_model", None)
    with pytest.raises(UsageError, match=r"a \.keras file .*another kind of file"):
        open_pretrained(str(tmp_path / name))


@pytest.mark.parametrize("written", ["{}/net.py:net", "net.py:net", "net:net"])
def test_code_in_the_folder_that_is_opened_is_not_run(tmp_path, monkeypatch, written):
    """By its path, by one from the working directory, and as a module."""
    (tmp_path / "net.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    config = {"method": "ressl", "backbone": written.format(tmp_path)}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="would run code that lies in itself"):
        open_pretrained(str(tmp_path))
    assert not (tmp_path / "run").exists()
    assert "net" not in sys.modules


def test_a_run_of_a_later_format_is_one_line(tmp_path):
    config = {"method": "ressl", "telepathy": True, "format_number": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="a run of format 2, of a later version"):
        open_pretrained(str(tmp_path))
    (tmp_path / "config.json").write_text('{"method": "res')
    with pytest.raises(RunError, match=r"config.json is damaged: Unterminated"):
        open_pretrained(str(tmp_path))
