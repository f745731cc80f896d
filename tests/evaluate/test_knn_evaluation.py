"""kNN of a tiny run."""

import json
import logging

import keras
import numpy as np
import pytest

from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.evaluate import features, knn_evaluation
from ressl_tf.evaluate import nearest_neighbors as knn_votes
from ressl_tf.evaluate.task import open_task
from ressl_tf.runtime.errors import UsageError


@pytest.mark.slow
def test_knn_is_the_monitors_last_figure(unbroken, tmp_path):
    result, folder = unbroken
    line = knn_evaluation.evaluate(
        KNNConfig(workdir=str(folder), knn_k=(5,), output=str(tmp_path))
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
        knn_k=(3, 1, 20),
        knn_temp=(0.05, 1.0),
        output=str(tmp_path),
    )
    task = open_task(config)
    model = keras.Sequential([task.encoder.without_projector()])
    bank = features.extract(model, task.batches(task.train))
    asked = features.extract(model, task.batches(task.test))
    grid = knn_evaluation.evaluate(config)["grid"]
    assert [(row["k"], row["temperature"]) for row in grid] == [
        (k, t) for k in (3, 1, 20) for t in (0.05, 1.0)
    ]
    for row in grid:
        alone = knn_votes.accuracy(
            *bank, *asked, k=row["k"], temperature=row["temperature"]
        )
        assert row["top1"] == pytest.approx(alone)


@pytest.mark.slow
def test_a_set_without_test_split_is_divided(photos, unbroken, tmp_path, caplog):
    caplog.set_level(logging.INFO, "ressl_tf")
    config = KNNConfig(
        workdir=str(unbroken[1]),
        dataset=f"folder:{photos}/train",
        knn_k=(3, 200, 500),
        output=str(tmp_path),
    )
    line = knn_evaluation.evaluate(config)
    assert (line["train_images"], line["test_images"]) == (22, 4)
    assert [row["k"] for row in line["grid"]] == [3, 22]  # no more can vote
    assert "the bank holds 22 images" in caplog.text
    assert "every tenth image of each class is held out" in caplog.text


@pytest.mark.slow
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
        knn_evaluation.evaluate(KNNConfig(**values))
    assert "\n" not in str(caught.value)
