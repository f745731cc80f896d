"""Views that are finished in the step are those that the pipeline would make."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import TINY, tiny_model

from ressl_tf.config import Config
from ressl_tf.data.augment.deferred import CropsOnly, finalize
from ressl_tf.data.augment.views import View, Views, strong_view, weak_view
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import training_batches
from ressl_tf.data.sources import MemorySource
from ressl_tf.engine import devices
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError


def staged():
    """Return a weak view, a smaller strong one, and one painted on the weak."""
    colours = strong_view(16).photometric
    return Views(
        {
            "weak": weak_view(16),
            "strong": strong_view(12),
            "painted": View(photometric=colours, source="weak"),
        },
        compiled=False,  # which is quick to trace
    )


@pytest.fixture(params=["memory", pytest.param("stream", marks=pytest.mark.slow)])
def source(request, images, tmp_path):
    if request.param == "memory":
        return MemorySource("x", tf.constant(images), np.zeros(12, int), None, ())
    for number, image in enumerate(images):
        path = tmp_path / f"{number:02}.png"
        path.write_bytes(tf.io.encode_png(image).numpy())
    return load_source(f"folder:{tmp_path}", "train", cache="none")


def batches(source, views, **options):
    options = {"batch_size": 8, "seed": 3, "stop_step": 3, **options}
    return training_batches(source, views, **options)


@pytest.mark.slow
def test_finished_in_the_step_or_before_the_views_are_the_same(source):
    """Whole batches, and parts of parts: two workers with two replicas each."""
    views = staged()
    finished = tf.function(lambda batch, shard: finalize(views, batch, shard))
    steps = list(batches(source, views))
    halves = [
        list(batches(source, CropsOnly(views), shard=(worker, 2))) for worker in (0, 1)
    ]
    for made, *parts in zip(steps, *halves, strict=True):
        assert set(parts[0]) == {"weak", "strong", "seed"}
        quarters = [
            finished(
                {name: value[2 * replica :][:2] for name, value in half.items()},
                tf.constant((2 * worker + replica, 4)),
            )
            for worker, half in enumerate(parts)
            for replica in (0, 1)
        ]
        whole = {name: np.concatenate([h[name] for h in parts]) for name in parts[0]}
        for name, expected in made.items():
            joined = np.concatenate([quarter[name] for quarter in quarters])
            np.testing.assert_allclose(joined, expected, atol=1e-3, err_msg=name)
        assert np.abs(whole["strong"] - made["strong"]).max() > 10
        assert (whole["seed"] == whole["seed"][0]).all()


def test_an_unfinished_batch_has_static_shapes(source):
    spec = batches(source, CropsOnly(staged())).element_spec
    assert spec["seed"] == tf.TensorSpec([8, 2], tf.int32)
    assert spec["strong"] == tf.TensorSpec([8, 12, 12, 3], tf.float32)


def colourful():
    """Return two views, the strong one in colours, quick to trace."""
    return Views({"strong": strong_view(16), "weak": weak_view(16)}, compiled=False)


def trained(source, scope, wrap, **options):
    with scope():
        model = tiny_model("sync", views=colourful(), **options)
    model.fit(batches(source, wrap(model.views)), shuffle=False, verbose=0)
    assert int(model.step.numpy()) == 3
    return [variable.numpy() for variable in model.weights]


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("source", ["memory"], indirect=True)
def test_training_is_the_same(source, mirrored, replicas):
    scope = mirrored.scope if replicas == 2 else contextlib.nullcontext
    host = trained(source, scope, lambda views: views)
    device = trained(source, scope, CropsOnly)
    for first, second in zip(host, device, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["stream"], indirect=True)
def test_training_in_parts_is_the_same(source):
    options = {"scope": contextlib.nullcontext, "gradient_accumulation": 2}
    host = trained(source, wrap=lambda views: views, **options)
    device = trained(source, wrap=CropsOnly, **options)
    for first, second in zip(host, device, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)


def test_auto_is_the_device_on_gpus(monkeypatch):
    strategy = distribute.strategy("one")
    resolve = devices.augments_on_device
    assert not resolve(Config(), strategy)
    assert resolve(Config(augment_on="device"), strategy)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["GPU:0"])
    assert resolve(Config(), strategy)
    assert not resolve(Config(augment_on="host"), strategy)


def test_a_tpu_cannot_finish_views():
    assert Config(tpu="local").augment_on == "auto"
    with pytest.raises(UsageError, match=r"fixed shapes.*--augment_on=device"):
        Config(tpu="local", augment_on="device")


@pytest.mark.slow
def test_a_run_shows_finished_views(unbroken, photos, tmp_path):
    """Its sheet is that of a run on the host, and its first loss."""
    flags = {**TINY, "epochs": 3, "max_steps": 1, "knn_every": 0, "tensorboard": False}
    losses = {}
    for place in ("host", "device"):
        config = Config(
            **flags,
            dataset=f"folder:{photos}",
            workdir=str(tmp_path / place),
            augment_on=place,
            steps_per_execution=2,
        )
        losses[place] = pretraining.pretrain(config)["loss"]
        sheet = (tmp_path / place / "views.png").read_bytes()
        assert sheet == (unbroken[1] / "views.png").read_bytes()
    assert losses["device"] == pytest.approx(losses["host"], rel=1e-3)
