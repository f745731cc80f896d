"""Linear probes of a tiny run."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from helpers.evaluating import QUICK, checkpoints
from helpers.photos import write

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.evaluate import features, linear_probe, supervised
from ressl_tf.evaluate.task import open_task
from ressl_tf.saving.pretrained import open_pretrained


@pytest.mark.slow
def test_a_linear_probe_leaves_the_encoder_as_it_was(unbroken, tmp_path):
    folder = unbroken[1]
    before, files = open_pretrained(str(folder)).encoder, checkpoints(folder)
    config = LinearConfig(
        workdir=str(folder), output=str(tmp_path / "out"), learning_rate=5.0, **QUICK
    )
    line = linear_probe.evaluate(config)
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
    again = linear_probe.evaluate(config)  # goes on from the end
    assert again["top1"] == line["top1"]


@pytest.mark.slow
def test_lbfgs_gives_a_classifier_of_whole_images(unbroken, tmp_path):
    config = LinearConfig(
        workdir=str(unbroken[1]), solver="lbfgs", output=str(tmp_path)
    )
    line = linear_probe.evaluate(config)
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
def test_imagenets_folders_give_top1_and_top5(unbroken, tmp_path):
    """train/ and val/ with a folder a class, JPEGs of several sizes."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 3)):
        for number in range(7):
            wnid = f"n0144{number:04d}"
            for index in range(count):
                side = int(generator.integers(20, 40))
                image = generator.integers(0, 256, (side, 24, 3)).astype(np.uint8)
                name = f"{wnid}_{index}.JPEG"
                write(tmp_path / "in" / split / wnid / name, image, tf.io.encode_jpeg)
    config = LinearConfig(
        workdir=str(unbroken[1]),
        dataset=f"folder:{tmp_path}/in",
        solver="lbfgs",
        lbfgs_c=(1.0,),
        output=str(tmp_path / "out"),
    )
    line = linear_probe.evaluate(config)
    assert (line["train_images"], line["test_images"]) == (28, 21)
    assert list(line["per_class"]) == [f"n0144{number:04d}" for number in range(7)]
    task = open_task(config)
    classifier = open_pretrained(str(tmp_path / "out")).classifier
    logits, labels = features.extract(classifier, task.batches(task.test))
    assert labels.tolist() == [*np.repeat(range(7), 3)]
    best = np.argsort(-logits, axis=1)
    assert line["top1"] == np.mean(best[:, 0] == labels)
    assert line["top5"] == np.mean((best[:, :5] == labels[:, None]).any(axis=1))
    assert line["top1"] < line["top5"] < 1
