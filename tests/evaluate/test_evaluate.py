"""kNN, linear probe and fine-tuning of a tiny run, in this process."""

import dataclasses
import json
import logging
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_backbone

from ressl_tf.config.evaluate_config import FinetuneConfig, KNNConfig, LinearConfig
from ressl_tf.data.sources import MemorySource
from ressl_tf.engine import callbacks
from ressl_tf.engine.checkpoint import weights_sha256
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import (
    features,
    fine_tuning,
    knn_evaluation,
    linear_probe,
    supervised,
)
from ressl_tf.evaluate import nearest_neighbors as knn_votes
from ressl_tf.evaluate.task import hold_out, labelled_only, open_task, random_weights
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import Interrupted, UsageError
from ressl_tf.saving.pretrained import open_pretrained

QUICK = {"epochs": 2, "batch_size": 8, "eval_every": 1, "tensorboard": False}


def source(labels):
    """Image number i is filled with i."""
    numbers = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    images = tf.constant(np.tile(numbers, (1, 4, 4, 3)))
    names = tuple(str(n) for n in range(max(labels) + 1))
    return MemorySource("numbers", images, np.array(labels, np.int32), names, ())


def shown(source):
    """Numbers of the images in a source."""
    return source.images.numpy()[:, 0, 0, 0].tolist()


def checkpoints(folder):
    paths = sorted((folder / "checkpoints").iterdir())
    return {path.name: path.read_bytes() for path in paths}


def test_knn_is_the_monitors_last_figure(unbroken, tmp_path):
    result, folder = unbroken
    line = knn_evaluation.judge(
        KNNConfig(workdir=str(folder), k=(5,), output=str(tmp_path))
    )
    assert line["knn_top1"] == line["top1"] == result["knn_top1"]
    assert (line["train_images"], line["test_images"]) == (26, 10)
    assert json.loads((tmp_path / "result.json").read_text()) == line
    details = json.loads((tmp_path / "confusion.json").read_text())
    assert np.sum(details["confusion"]) == 10
    assert np.trace(details["confusion"]) == round(10 * line["top1"])
    assert line["per_class"].keys() == {"red", "blue"}
    assert (tmp_path / "confusion.png").stat().st_size > 1000


@pytest.mark.slow
def test_every_k_and_temperature_is_a_search_of_its_own(unbroken, tmp_path):
    config = KNNConfig(
        workdir=str(unbroken[1]),
        k=(3, 1, 20),
        temperature=(0.05, 1.0),
        output=str(tmp_path),
    )
    task = open_task(config)
    model = keras.Sequential([task.encoder.without_projector()])
    bank = features.extract(model, task.batches(task.train))
    asked = features.extract(model, task.batches(task.test))
    grid = knn_evaluation.judge(config)["grid"]
    assert [(row["k"], row["temperature"]) for row in grid] == [
        (k, t) for k in (3, 1, 20) for t in (0.05, 1.0)
    ]
    for row in grid:
        alone = knn_votes.accuracy(
            *bank, *asked, k=row["k"], temperature=row["temperature"]
        )
        assert row["top1"] == pytest.approx(alone)


@pytest.mark.slow
def test_a_linear_probe_leaves_the_encoder_as_it_was(unbroken, tmp_path):
    folder = unbroken[1]
    before, files = open_pretrained(str(folder)).encoder, checkpoints(folder)
    config = LinearConfig(
        workdir=str(folder), output=str(tmp_path / "out"), learning_rate=5.0, **QUICK
    )
    line = linear_probe.judge(config)
    assert (line["solver"], line["steps"]) == ("sgd", 6)
    assert line["linear_top1"] == line["top1"]
    after = open_pretrained(str(tmp_path / "out"))
    assert len(before.backbone.variables) == len(after.encoder.variables)
    for old, new in zip(
        before.without_projector().variables, after.encoder.variables, strict=True
    ):
        np.testing.assert_array_equal(old, new)
    assert checkpoints(folder) == files
    assert np.any(after.classifier.head.kernel.numpy())
    again = linear_probe.judge(config)  # goes on from the end
    assert again["top1"] == line["top1"]


@pytest.mark.slow
def test_lbfgs_gives_a_classifier_of_whole_images(unbroken, tmp_path):
    config = LinearConfig(
        workdir=str(unbroken[1]), solver="lbfgs", output=str(tmp_path)
    )
    line = linear_probe.judge(config)
    opened = open_pretrained(str(tmp_path))
    task = open_task(config)
    answers = opened.classifier(task.test.images).numpy().argmax(axis=1)
    assert line["linear_top1"] == np.mean(answers == task.test.labels)
    details = json.loads((tmp_path / "confusion.json").read_text())
    assert details["images"] == 10
    assert line["c"] in config.lbfgs_c
    trained = supervised.evaluate(
        opened.classifier, dataclasses.replace(task, test=task.train)
    )
    assert trained["top1"] == pytest.approx(line["train_top1"])
    assert line["train_top1"] > 0.7  # red and blue noise


@pytest.mark.slow
def test_fine_tuning_goes_on_where_it_stopped(unbroken, tmp_path, monkeypatch):
    """By SIGTERM inside an epoch of two steps."""

    def run(folder):
        return fine_tuning.finetune(
            FinetuneConfig(
                workdir=str(unbroken[1]),
                label_fraction=0.7,
                layer_decay=0.5,
                keep_checkpoints=9,
                output=str(folder),
                **{**QUICK, "epochs": 3},
            )
        )

    whole = run(tmp_path / "whole")
    assert (whole["train_images"], whole["steps"]) == (18, 6)
    broken, step_end = tmp_path / "broken", callbacks.Speed.on_train_batch_end

    def signalled(self, batch, logs=None):
        if int(self.model.step.numpy()) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        step_end(self, batch, logs)

    monkeypatch.setattr(callbacks.Speed, "on_train_batch_end", signalled)
    with pytest.raises(Interrupted) as stop:
        run(broken)
    assert stop.value.result == {"steps": 3, "workdir": str(broken)}
    assert list(checkpoints(broken)) == ["step-000000002.npz", "step-000000003.npz"]
    assert not (broken / "result.json").exists()
    monkeypatch.setattr(callbacks.Speed, "on_train_batch_end", step_end)
    again = run(broken)
    assert again["weights_sha256"] == whole["weights_sha256"]
    assert again["top1"] == whole["top1"]


@pytest.mark.slow
def test_fine_tuning_moves_what_it_is_told_to(unbroken, tmp_path):
    """All of the network; its head alone; all, but the encoder at a rate of 0."""
    modes = {
        "all": {},
        "head": {"trainable": "head"},
        "still": {"encoder_learning_rate": 0.0},
    }
    lines, ends = {}, {}
    for name, options in modes.items():
        config = FinetuneConfig(
            workdir=str(unbroken[1]),
            output=str(tmp_path / name),
            **{
                **QUICK,
                "epochs": 20,
                "eval_every": 0,
                "learning_rate": 0.05,
                **options,
            },
        )
        lines[name] = fine_tuning.finetune(config)
        ends[name] = open_pretrained(str(tmp_path / name)).encoder.variables
    assert lines["all"]["train_top1"] > 0.7
    start = open_pretrained(str(unbroken[1])).encoder.without_projector().variables
    for old, whole, head, still in zip(
        start, ends["all"], ends["head"], ends["still"], strict=True
    ):
        assert not np.array_equal(old, whole)
        np.testing.assert_array_equal(old, head)
        assert np.array_equal(old, still) == old.trainable  # statistics move


def test_an_untrained_encoder_has_other_weights_of_its_seed():
    keras.utils.set_random_seed(5)
    trained = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    first, again, other = (random_weights(trained, seed) for seed in (1, 1, 2))
    kernels = [e.variables[0].numpy() for e in (trained, first, again, other)]
    np.testing.assert_array_equal(kernels[1], kernels[2])
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[3])
    assert first.mean == trained.mean


def test_labels_are_drawn_from_each_class_by_the_seed():
    many = source([0] * 50 + [1] * 10 + [2])
    few = fine_tuning.draw_labelled(many, 0.1, seed=0)
    assert np.bincount(few.labels).tolist() == [5, 1, 1]
    for number, label in zip(shown(few), few.labels, strict=True):
        assert many.labels[number] == label
    assert shown(fine_tuning.draw_labelled(many, 0.1, seed=0)) == shown(few)
    assert shown(fine_tuning.draw_labelled(many, 0.1, seed=1)) != shown(few)
    assert fine_tuning.draw_labelled(many, 1.0, seed=0) is many


def test_every_tenth_image_is_held_out():
    rest, held = hold_out(source([0, 1] * 12))
    assert shown(held) == [0, 10, 20]
    assert sorted(shown(rest) + shown(held)) == list(range(24))


def test_images_without_a_label_are_not_judged():
    some = labelled_only(source([1, -1, 0, -1, 1]), "train")
    assert (shown(some), some.labels.tolist()) == ([0, 2, 4], [1, 0, 1])
    whole = source([1, 0])
    assert labelled_only(whole, "train") is whole
    with pytest.raises(UsageError, match="numbers has no labels in its split 'train'"):
        labelled_only(dataclasses.replace(whole, label_names=None), "train")


def test_rates_fall_block_by_block_below_the_head():
    """Blocks conv1, bn1, conv2, bn2 of the tiny network; the head is first."""
    encoder = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    model = Classifier(encoder, 3)
    config = FinetuneConfig(
        workdir="x", learning_rate=0.5, encoder_learning_rate=0.1, layer_decay=0.5
    )
    factors = fine_tuning.learning_rate_factors(model, config)
    expected = {"conv1": 0.2 / 8, "bn1": 0.2 / 4, "conv2": 0.2 / 2, "bn2": 0.2}
    found = {}
    for variable, factor in zip(model.trainable_variables, factors, strict=True):
        found.setdefault(variable.path.split("/")[-2], set()).add(round(factor, 6))
    assert found.pop("head") == {1.0}
    assert found == {name: {rate} for name, rate in expected.items()}


def test_layers_of_a_stage_are_one_block():
    names = ["layer1_0_conv1", "layer1_1_bn2", "layer2_0_conv1", "block2a_x", "block2b"]
    blocks = [fine_tuning.BLOCK.match(name)[0] for name in names]
    assert blocks == ["layer1", "layer1", "layer2", "block2", "block2"]


def test_the_step_schedule_divides_at_its_epochs():
    config = LinearConfig(
        workdir="x", schedule="step", epochs=10, learning_rate=30.0, decay_at=(0.6, 0.8)
    )
    rate = supervised.make_optimizer(config, per_epoch=7, multipliers=None)
    schedule = rate._learning_rate
    steps = [0, 41, 42, 55, 56, 69]  # epochs 0, 5, 6, 7, 8, 9
    rates = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(rates, [30, 30, 3, 3, 0.3, 0.3], rtol=1e-6)


@pytest.mark.slow
def test_a_set_without_test_split_is_divided(photos, unbroken, tmp_path, caplog):
    caplog.set_level(logging.INFO, "ressl_tf")
    config = KNNConfig(
        workdir=str(unbroken[1]),
        dataset=f"folder:{photos}/train",
        k=(3,),
        output=str(tmp_path),
    )
    line = knn_evaluation.judge(config)
    assert (line["train_images"], line["test_images"]) == (23, 3)
    assert "every tenth image is held out" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"dataset": "folder:{photos}/train/red"},
            "no labels in its split 'train'",
        ),
        ({"image_size": 32}, "takes images of 16 pixels. Received: --image_size=32"),
        ({"eval_split": "nowhere"}, "Received: 'nowhere'"),
        ({"dataset": "folder:/nowhere"}, "No such folder"),
        ({"output": "{photos}/test/red/0.png"}, "--output must be a folder"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    options, message, photos, unbroken, tmp_path
):
    options = {
        name: value.format(photos=photos) if isinstance(value, str) else value
        for name, value in options.items()
    }
    values = {"workdir": str(unbroken[1]), "output": str(tmp_path), **options}
    with pytest.raises(UsageError, match=message) as caught:
        knn_evaluation.judge(KNNConfig(**values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of --workdir and --model. Received: neither"),
        ({"workdir": "a", "model": "b"}, "Received: --workdir=a and --model=b"),
        ({"workdir": "a", "epochs": 2, "warmup_epochs": 3.0}, "at most --epochs=2"),
    ],
)
def test_flags_that_do_not_go_together(options, message):
    with pytest.raises(UsageError, match=message):
        LinearConfig(**options)


def test_results_lie_in_the_workdir_or_under_runs():
    assert KNNConfig(workdir="a").run_dir == "a/knn"
    assert KNNConfig(model="b/enc.keras").run_dir == "runs/knn-enc"
    assert LinearConfig(workdir="a", solver="lbfgs").run_dir == "a/linear-lbfgs"
    config = FinetuneConfig(workdir="a", label_fraction=0.01, untrained=True)
    assert config.run_dir == "a/finetune-0.01-seed0-untrained"


@pytest.mark.slow
def test_another_fine_tuning_does_not_go_into_the_same_folder(unbroken, tmp_path):
    def config(**options):
        return FinetuneConfig(
            workdir=str(unbroken[1]),
            dataset=unbroken[0]["dataset"],
            output=str(tmp_path),
            **options,
        )

    Workdir(config()).close()
    with pytest.raises(UsageError, match=r"--seed=1 \(there: 0\).*another --output"):
        fine_tuning.finetune(config(seed=1))


def test_the_hash_is_over_encoder_and_head():
    encoder = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    model = Classifier(encoder, 3)
    before = weights_sha256(model)
    model.head.bias.assign([1.0, 0.0, 0.0])
    assert weights_sha256(model) != before
