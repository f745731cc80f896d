"""Pretraining that starts from a trained encoder."""

import dataclasses
import logging

import keras
import numpy as np
import pytest
from helpers.models import tiny_model

from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.methods.build import make_model
from ressl_tf.models import backbones, ema
from ressl_tf.models.backbones import vit
from ressl_tf.models.backbones.resnet import resnet
from ressl_tf.models.encoder import Encoder
from ressl_tf.pretraining import warm_start
from ressl_tf.pretraining.pretrain import pretrain
from ressl_tf.runtime.errors import UsageError

SMALL = {
    "image_size": 8,
    "width": 1 / 16,
    "stem": "small",
    "hidden_dim": 6,
    "embedding_dim": 5,
    "queue_size": 20,
    "batch_size": 16,
    "warmup_epochs": 0.0,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return (model, workdir) of a run whose online and target networks differ."""
    folder = tmp_path_factory.mktemp("source") / "run"
    config = Config(**SMALL, seed=5, workdir=str(folder))
    model = make_model(config, 1)
    generator = np.random.default_rng(0)
    for variable in (*model.online.variables, *model.target.variables):
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    with Workdir(config):
        Checkpoints(folder / "checkpoints").save(model)
    return model, folder


@pytest.fixture(scope="module")
def model():
    return make_model(Config(**SMALL), 1)


def config(source, tmp_path, **options):
    places = {"init_from": str(source[1]), "workdir": str(tmp_path / "new")}
    return Config(**{**SMALL, **places, **options})


def same(first, second):
    for one, two in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)


def test_online_is_the_source_and_target_is_online(source, model, tmp_path):
    """The first step moves both."""
    encoder = warm_start.open_start(config(source, tmp_path))
    warm_start.start_from(model, encoder)
    same(model.online, source[0].online)
    same(model.target, source[0].online)
    assert all(not v.trainable for v in model.target.variables)
    batch = np.random.default_rng(1).uniform(0, 255, (2, 16, 8, 8, 3)).astype("float32")
    views = {"strong": batch[0], "weak": batch[1]}
    model.train_step(views)
    for own, start in zip(model.online.variables, encoder.variables, strict=True):
        if own.trainable and own.name == "kernel":
            assert np.abs(own.numpy() - start.numpy()).max() > 0, own.path
    # The target was updated before the step, from an online network equal to it.
    for twin, start in zip(model.target.variables, encoder.variables, strict=True):
        if start.trainable:
            np.testing.assert_array_equal(twin, start)


def test_a_projector_that_does_not_fit_stays_random(source, tmp_path, caplog):
    other = make_model(config(source, tmp_path, embedding_dim=7), 1)
    before = [v.numpy() for v in other.online.projector.variables]
    encoder = warm_start.open_start(config(source, tmp_path, embedding_dim=7))
    with caplog.at_level(logging.INFO, "ressl_tf"):
        warm_start.start_from(other, encoder)
    same(other.online.backbone, source[0].online.backbone)
    same(other.target, other.online)
    for variable, value in zip(other.online.projector.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    first, second = (record.getMessage() for record in caplog.records)
    assert "projector does not fit" in first
    assert "[6, 5] against kernel [6, 7]" in first
    assert second == "started from a trained backbone"


def test_an_encoder_without_projector_gives_its_backbone(source, model, caplog):
    encoder = source[0].online.without_projector()
    ema.copy(model.target, model.online)
    with caplog.at_level(logging.INFO, "ressl_tf"):
        warm_start.start_from(model, encoder)
    same(model.online.backbone, encoder.backbone)
    assert "no projector" in caplog.records[0].getMessage()


def test_every_replica_starts_there(mirrored):
    encoder = tiny_model().online
    for variable in encoder.variables:
        variable.assign(np.full(variable.shape, 0.5))
    with mirrored.scope():
        model = tiny_model()
    warm_start.start_from(model, encoder)
    for variable in (*model.online.variables, *model.target.variables):
        for replica in variable.value.values:
            assert np.ptp(replica) == 0
            assert np.max(replica) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"width": 1 / 8, "stem": "standard"},
            "has the backbone resnet18 of 32 features, the run resnet18 of 64 "
            r"features: \S*conv1/kernel \[3, 3, 3, 4\] against kernel \[7, 7, 3, 8\]",
        ),
        ({"init_from": "nowhere"}, "Received: 'nowhere'"),
    ],
)
def test_another_backbone_is_refused_before_the_workdir_is_made(
    source, tmp_path, options, message
):
    with pytest.raises(UsageError, match=message) as error:
        pretrain(config(source, tmp_path, **options))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_longer_network_is_another_one():
    one, two = (resnet(name, width=1 / 16) for name in ("resnet18", "resnet34"))
    assert "against" in warm_start.first_difference(one, two)
    fewer = keras.Model(two.inputs, two.get_layer("layer4_1_relu").output)
    assert warm_start.first_difference(fewer, two) == "170 variables against 180"
    assert warm_start.first_difference(one, one) == ""


def test_positions_are_interpolated_to_the_grid_of_the_run(monkeypatch, caplog):
    monkeypatch.setattr(vit, "DEPTH", 1)

    def encoder(side):
        options = {"position_size": side, "patch_size": 4, "vit_pooling": "token"}
        network = backbones.build("vit_tiny", width=1 / 3, **options)
        return Encoder(network, None, (0.5,) * 3, (0.25,) * 3)

    start, wanted = encoder(12), encoder(20)
    with caplog.at_level("INFO", "ressl_tf"):
        made = warm_start.on_its_grid(start, wanted)
    assert "3 x 3 patches, are interpolated to 5 x 5" in caplog.text
    assert warm_start.first_difference(made.backbone, wanted.backbone) == ""
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3), np.uint8)
    np.testing.assert_allclose(
        made.features(images), start.features(images), rtol=1e-4, atol=1e-5
    )
    assert warm_start.on_its_grid(start, encoder(12)) is start


def test_a_run_with_a_checkpoint_is_not_started_again(source, tmp_path, caplog):
    run = config(source, tmp_path, normalization="cifar10")
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        assert warm_start.open_start(run) is not None
    (record,) = (r for r in caplog.records if r.name == "ressl_tf")
    assert "--normalization" in record.getMessage()  # which is another one
    assert warm_start.open_start(dataclasses.replace(run, init_from="")) is None
    path = tmp_path / "new" / "checkpoints" / "step-000000000.npz"
    path.parent.mkdir(parents=True)
    path.touch()
    assert warm_start.open_start(run) is None


@pytest.mark.slow
def test_a_run_starts_there_and_resumes_from_its_own_checkpoint(
    source, tmp_path, monkeypatch
):
    started = []
    original = warm_start.start_from

    def start_from(model, encoder):
        original(model, encoder)
        started.append([v.numpy() for v in model.target.variables])

    monkeypatch.setattr(warm_start, "start_from", start_from)
    options = {"split": "train[:64]", "knn_every": 0, "epochs": 2, "tensorboard": False}
    run = config(source, tmp_path, **options)
    broken = pretrain(dataclasses.replace(run, max_steps=3))
    assert broken["steps"] == 3
    assert pretrain(run)["steps"] == 8
    (values,) = started  # once
    for value, variable in zip(values, source[0].online.variables, strict=True):
        np.testing.assert_array_equal(value, variable)
