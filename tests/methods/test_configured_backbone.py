"""Runs on a user's own network: refused early, resumed exactly, opened again."""

import keras
import numpy as np
import pytest
from helpers.models import TINY

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.methods.build import build_model, check_backbone
from ressl_tf.runtime.errors import UsageError

CODE = """
import keras
L = keras.layers

@keras.saving.register_keras_serializable(package="configured")
class Twice(L.Layer):
    def call(self, x):
        return 2 * x

def net():
    x = images = keras.Input((None, None, 3))
    for i in (1, 2):
        x = L.Conv2D(8, 3, 2, name=f"conv{i}", use_bias=False)(x)
        x = L.BatchNormalization(name=f"bn{i}")(x)
        x = L.ReLU()(x)
    x = Twice()(L.Dropout(0.2)(x))
    made = keras.Model(images, x, name="mine")
    made.get_layer("conv1").set_weights([made.get_weights()[0] * 0 + 0.5])
    return made

def tokens():
    return keras.Sequential([keras.Input((16, 16, 3)), L.Reshape((16, 48))])

def grey():
    return keras.Sequential([keras.Input((16, 16, 1)), L.Conv2D(8, 3)])
"""
FLAGS = {k: v for k, v in TINY.items() if k not in ("width", "stem")}


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    file = tmp_path_factory.mktemp("nets") / "nets_of_test.py"
    file.write_text(CODE)
    return file


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tokens", r"returns \(None, 16, 48\)"),
        ("grey", r"must take images.*\(None, 16, 16, 1\)"),
        ("none", "cannot be made: AttributeError"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_data(nets, name, message):
    with pytest.raises(UsageError, match=message):
        ressl_tf.pretrain(data="/no/photos", backbone=f"{nets}:{name}", **FLAGS)


def test_the_model_has_scope_and_weights_as_the_config_says(nets):
    config = Config(**FLAGS, backbone=f"{nets}:net", batch_norm="sync")
    check_backbone(config)
    drawn = build_model(config).online.backbone
    assert [drawn.get_layer(f"bn{i}").scope for i in (1, 2)] == ["sync", "sync"]
    assert np.std(drawn.get_layer("conv1").get_weights()[0]) > 0.01
    config = Config(**FLAGS, backbone=f"{nets}:net", init_from="own")
    kept = build_model(config)
    for network in (kept.online, kept.target):
        weights = network.backbone.get_layer("conv1").get_weights()[0]
        np.testing.assert_array_equal(weights, 0.5)


@pytest.mark.slow
def test_a_stopped_run_of_two_replicas_ends_as_one_that_never_stopped(
    nets, photos, tmp_path, commands
):
    flags = [f"--{name}={value}" for name, value in FLAGS.items()]
    flags += [f"--dataset=folder:{photos}", "--logical_devices=2"]
    flags += [f"--backbone={nets}:net", "--checkpoint_every_steps=1", "--report=false"]
    shas = []
    for stops in ((), ("--max_steps=4",)):
        for stop in (*stops, "--max_steps=0"):
            place = f"--workdir={tmp_path}/{len(shas)}"
            status, out, err = commands.run("train", *flags, place, stop)
            assert status == 0, err
        shas.append(out[out.index("weights_sha256") :][:84])
    assert shas[0] == shas[1]


@pytest.mark.slow
def test_all_commands_open_its_workdir(nets, photos, tmp_path):
    run = ressl_tf.pretrain(
        data=photos, out=tmp_path / "run", backbone=f"{nets}:net", **FLAGS
    )
    assert ressl_tf.knn(run, knn_k=3)["feature_dim"] == 8
    tuned = ressl_tf.finetune(run, out=tmp_path / "ft", epochs=1, batch_size=8)
    for source, place in ((run, "a"), (tmp_path / "ft", "b")):
        made = ressl_tf.export(source, out=tmp_path / place)
        assert ressl_tf.knn(made["path"], data=photos, knn_k=3)["feature_dim"] == 8
    assert tuned["top1"] >= 0
    nets.rename(nets.with_suffix(".gone"))
    try:
        with pytest.raises(UsageError, match="not there, or not any more"):
            ressl_tf.knn(run, knn_k=3)
    finally:
        nets.with_suffix(".gone").rename(nets)


@pytest.mark.slow
def test_a_model_in_python_is_kept_with_the_run(photos, tmp_path):
    layers = [keras.layers.Conv2D(8, 3, 2), keras.layers.BatchNormalization()]
    mine = keras.Sequential([keras.Input((16, 16, 3)), *layers])
    options = {**FLAGS, "epochs": 1, "knn_every": 0, "learning_rate": 0.0}
    options |= {"data": photos, "out": tmp_path / "run", "init_from": "own"}
    run = ressl_tf.pretrain(backbone=mine, **options)
    assert run["backbone"].startswith(str(tmp_path / "run" / "backbone-"))
    images = np.zeros((2, 16, 16, 3), "uint8")
    assert run.model.predict(images, verbose=0).shape == (2, 8)
    again = ressl_tf.pretrain(backbone=mine, **options)
    assert again["weights_sha256"] == run["weights_sha256"]
