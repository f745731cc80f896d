"""A run from config to result: on photos in a folder, in this process."""

import dataclasses
import json
import logging
import math
import shutil

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.engine import run as engine_run
from ressl_tf.engine.workdir import read_rows
from ressl_tf.pretraining import dry_run, image_run
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime.errors import RunError, UsageError


def config(photos, tmp_path, **options):
    values = {**TINY, "dataset": f"folder:{photos}", "workdir": str(tmp_path / "run")}
    return Config(**{**values, **options})


def rows(folder):
    """Return the log without what depends on the clock."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    for row in kept:
        row.pop("images_per_second", None)
        row.pop("input_wait", None)
    return kept


def test_the_result_says_what_was_run(unbroken):
    result, folder = unbroken
    expected = {
        "method": "ressl",
        "images": 26,
        "images_skipped": 0,
        "backbone": "resnet18",
        "epochs": 3.0,
        "steps": 9,
        "seed": 0,
        "workdir": str(folder),
    }
    assert {key: result[key] for key in expected} == expected
    assert 0 < result["loss"] < 2 * np.log(30)
    assert 0 < result["embedding_std"] < 1
    assert 0 <= result["knn_top1"] <= 1
    assert 0 <= result["knn_top1_untrained"] <= 1
    assert len(result["weights_sha256"]) == 64
    assert json.loads(json.dumps(result)) == result


def test_the_workdir_holds_config_log_checkpoints_and_pictures(unbroken):
    _, folder = unbroken
    assert json.loads((folder / "config.json").read_text())["queue_size"] == 30
    assert [row["step"] for row in rows(folder)] == [0, 3, 6, 9]
    # every second epoch, before the first and after the last
    assert ["knn_top1" in row for row in rows(folder)] == [True, False, True, True]
    names = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert names == [f"step-00000000{step}.npz" for step in (3, 6, 9)]
    for picture in ("views.png", "neighbours.png", "curves.png"):
        shape = tf.io.decode_png((folder / picture).read_bytes()).shape
        assert min(shape[:2]) > 100
    assert list((folder / "tensorboard").rglob("events*"))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    unbroken, photos, tmp_path
):
    result, folder = unbroken
    again = pretraining.pretrain(config(photos, tmp_path))
    assert again["weights_sha256"] == result["weights_sha256"]
    assert rows(tmp_path / "run") == rows(folder)
    other = pretraining.pretrain(config(photos, tmp_path / "other", seed=1))
    assert other["weights_sha256"] != result["weights_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("stops", [(3,), (1, 5, 7)])
def test_a_run_in_pieces_equals_an_unbroken_one(unbroken, photos, tmp_path, stops):
    """Broken at the end of an epoch, and inside of some."""
    result, folder = unbroken
    for stop in stops:
        part = pretraining.pretrain(config(photos, tmp_path, max_steps=stop))
        assert part["steps"] == stop
        assert part["weights_sha256"] != result["weights_sha256"]
    whole = pretraining.pretrain(config(photos, tmp_path))
    assert whole["weights_sha256"] == result["weights_sha256"]
    pieces, unbroken_rows = rows(tmp_path / "run"), rows(folder)
    for row in (*pieces, *unbroken_rows):
        row.pop("knn_top1", None)  # also measured where a piece ends
    assert pieces == unbroken_rows


@pytest.mark.slow
def test_a_finished_run_gives_its_result_again(unbroken, photos):
    result, folder = unbroken
    again = pretraining.pretrain(config(photos, folder.parent))
    assert again == result


def test_another_config_in_the_same_workdir_is_refused(unbroken, photos):
    _, folder = unbroken
    with pytest.raises(UsageError, match=r"--queue_size=31 \(there: 30\)"):
        pretraining.pretrain(config(photos, folder.parent, queue_size=31))


@pytest.mark.slow
@pytest.mark.slow
def test_a_finished_run_goes_on_for_more_epochs(unbroken, photos, tmp_path, caplog):
    """With queue, optimizer and target; the learning rate restarts."""
    result, folder = unbroken
    shutil.copytree(folder, tmp_path / "run")
    with pytest.raises(UsageError, match="or --epochs=3 --extend_epochs=2 to go on"):
        pretraining.pretrain(config(photos, tmp_path, epochs=5))
    with caplog.at_level("INFO", "ressl_tf"):
        longer = pretraining.pretrain(config(photos, tmp_path, extend_epochs=2))
    assert (longer["steps"], longer["epochs"]) == (15, 5)
    assert "next: python -m ressl_tf.linear" in caplog.text
    rows = read_rows(tmp_path / "run")
    before = read_rows(folder)
    assert rows[: len(before)] == before
    # A warm-up of one epoch, then a cosine over the second: of its last step .25.
    rates = [row["learning_rate"] for row in rows[len(before) :]]
    assert rates == pytest.approx([0.06, 0.0], abs=1e-6)
    assert longer["weights_sha256"] != result["weights_sha256"]
    again = pretraining.pretrain(config(photos, tmp_path, extend_epochs=2))
    assert again["weights_sha256"] == longer["weights_sha256"]


@pytest.mark.slow
def test_without_labels_there_is_no_knn(photos, tmp_path, caplog):
    flat = config(photos, tmp_path, dataset=f"folder:{photos}/train/red", epochs=1)
    with caplog.at_level(logging.INFO, "ressl_tf"):
        result = pretraining.pretrain(flat)
    assert result["knn_top1"] is None
    assert "no labels" in caplog.text
    assert (tmp_path / "run" / "neighbours.png").exists()


@pytest.mark.slow
def test_without_a_test_split_a_tenth_of_the_photos_is_asked(photos, tmp_path):
    nested = config(photos, tmp_path, dataset=f"folder:{photos}/train", epochs=1)
    result = pretraining.pretrain(nested)
    # Two of each class of 13: its first and its eleventh photo.
    assert result["knn_top1"] in (0, 1 / 4, 1 / 2, 3 / 4, 1)


@pytest.mark.slow
def test_a_nan_names_the_step_and_leaves_the_last_checkpoint(photos, tmp_path):
    wild = config(photos, tmp_path, learning_rate=1e3, weight_decay=1.0, epochs=100)
    with pytest.raises(RunError, match=r"step \d+ is not finite \(NaN or infinity\)"):
        pretraining.pretrain(wild)
    saved = sorted((tmp_path / "run" / "checkpoints").iterdir())
    for array in np.load(saved[-1]).values() if saved else ():
        assert np.isfinite(array).all()


@pytest.mark.slow
def test_a_nan_step_is_skipped_and_counted(unbroken, photos, tmp_path, monkeypatch):
    """Steps 2, 5 and 8 of 9 get views with a NaN; the others are trained on."""
    plain = image_run.view_batches

    def poisoned(model, config, source, start, stop):
        views = plain(model, config, source, start, stop)
        bad = tf.data.Dataset.range(start, stop).map(lambda step: step % 3 == 1)
        return tf.data.Dataset.zip(views, bad).map(
            lambda made, wrong: {
                name: tf.where(wrong, math.nan, images) for name, images in made.items()
            }
        )

    monkeypatch.setattr(image_run, "view_batches", poisoned)
    options = {"on_nan": "skip", "knn_every": 0, "max_nan_steps": 2}
    result = pretraining.pretrain(config(photos, tmp_path, **options))
    assert (result["steps"], result["steps_skipped"]) == (9, 3)
    assert np.isfinite(result["loss"])
    assert result["weights_sha256"] != unbroken[0]["weights_sha256"]
    for array in np.load(
        tmp_path / "run" / "checkpoints" / "step-000000009.npz"
    ).values():
        assert np.isfinite(array).all()


@pytest.mark.slow
def test_a_broken_image_is_named_or_skipped(photos, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in sorted((photos / "train" / "red").iterdir()):
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "4.png").write_bytes((broken / "4.png").read_bytes()[:60])
    stopped = config(photos, tmp_path, dataset=f"folder:{broken}", epochs=1)
    with pytest.raises(RunError, match=r"4\.png"):
        pretraining.pretrain(stopped)
    skipped = dataclasses.replace(
        stopped, on_bad_image="skip", workdir=str(tmp_path / "skipped")
    )
    result = pretraining.pretrain(skipped)
    assert (result["images"], result["images_skipped"]) == (12, 1)
    named = (tmp_path / "skipped" / "skipped_images.txt").read_text()
    assert named == f"{broken / '4.png'}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "folder:/no/such/folder"}, "No such folder"),
        ({"batch_size": 32}, "1 to 26 images"),
        ({"image_size": 64}, "smaller than the crop"),
        ({"split": "nowhere"}, "has the splits test, train. Received: 'nowhere'"),
        ({"eval_split": "nowhere"}, "has the splits test, train. Received: 'nowhere'"),
        ({"dataset": "no_such_set"}, "Unknown data set"),
    ],
)
def test_what_cannot_be_fails_before_training(photos, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        pretraining.pretrain(config(photos, tmp_path, **options))
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 30, [(0, 0, 3, 10)]),
        (10, 30, [(10, 1, 3, 10)]),
        (0, 7, [(0, 0, 1, 7)]),
        (4, 25, [(4, 0, 1, 6), (10, 1, 2, 10), (20, 2, 3, 5)]),
        (4, 7, [(4, 0, 1, 3)]),
        (30, 30, []),
    ],
)
def test_segments_take_every_step_once(start, stop, expected):
    assert list(engine_run.segments(start, stop, per_epoch=10)) == expected


def test_dry_run_says_what_would_run(photos, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "ressl_tf"):
        report = dry_run.describe(config(photos, tmp_path))
    assert (report["images"], report["steps_per_epoch"], report["steps"]) == (26, 3, 9)
    assert report["views"] == {"strong": [8, 16, 16, 3], "weak": [8, 16, 16, 3]}
    assert report["queue_bytes"] == 4 * (30 * 8) + 4
    assert report["projector_parameters"] == 32 * 16 + 16 + 16 * 8 + 8
    assert report["predictor_parameters"] == 0
    assert report["config"]["epochs"] == 3
    assert "queue_bytes" in caplog.text
    assert not (tmp_path / "run").exists()


def test_dry_run_counts_a_predictor_staged_views_and_no_queue(photos, tmp_path):
    report = dry_run.describe(config(photos, tmp_path, method="rsa"))
    assert report["predictor_parameters"] == 8 * 16 + 3 * 16 + 16 * 8
    assert list(report["views"]) == ["weak1", "weak2", "strong1", "strong2"]
    assert report["queue_bytes"] == 0


def test_dry_run_without_the_data_leaves_the_steps_open(photos, tmp_path, caplog):
    absent = config(photos, tmp_path, dataset="folder:/no/such/folder")
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        report = dry_run.describe(absent)
    assert report["steps"] is None
    assert "No such folder" in caplog.text
