"""Linear probes of a tiny run."""

import dataclasses
import json

import numpy as np
import pytest
from helpers.evaluating import QUICK, checkpoints

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.evaluate import linear_probe, supervised
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
