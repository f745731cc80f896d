"""Fine-tuning of a tiny run."""

import os
import re
import signal

import numpy as np
import pytest
from helpers.evaluating import QUICK, checkpoints, shown, source
from helpers.models import tiny_backbone

from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.engine import callbacks
from ressl_tf.engine.optimizers import AdamW
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import fine_tuning
from ressl_tf.evaluate.supervised import make_optimizer
from ressl_tf.models import backbones
from ressl_tf.models.backbones import vit
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import Interrupted, UsageError
from ressl_tf.saving.pretrained import open_pretrained


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


def test_labels_are_drawn_from_each_class_by_the_seed():
    many = source([0] * 50 + [1] * 10 + [2])
    few = fine_tuning.draw_labelled(many, 0.1, seed=0)
    assert np.bincount(few.labels).tolist() == [5, 1, 1]
    for number, label in zip(shown(few), few.labels, strict=True):
        assert many.labels[number] == label
    assert shown(fine_tuning.draw_labelled(many, 0.1, seed=0)) == shown(few)
    assert shown(fine_tuning.draw_labelled(many, 0.1, seed=1)) != shown(few)
    assert fine_tuning.draw_labelled(many, 1.0, seed=0) is many


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


def layer_of_beit(layer, depth):
    """Return get_layer_id_for_vit of BEiT and MAE: 0 embeds, the head is depth + 1."""
    if layer == "patches":  # cls_token, pos_embed, patch_embed
        return 0
    found = re.match(r"block(\d+)_", layer)
    return int(found[1]) if found else depth + 1


@pytest.mark.parametrize("pooling", ["token", "mean_norm"])
def test_rates_of_a_transformer_are_those_of_beit_and_mae(pooling, monkeypatch):
    monkeypatch.setattr(vit, "DEPTH", 3)
    options = {"image_size": 8, "patch_size": 4, "vit_pooling": pooling}
    backbone = backbones.build("vit_tiny", width=1 / 3, drop_path=0.1, **options)
    model = Classifier(Encoder(backbone, None, (0.5,) * 3, (0.25,) * 3), 3)
    rates = {"learning_rate": 1e-3, "encoder_learning_rate": 1e-3, "layer_decay": 0.65}
    config = FinetuneConfig(workdir="x", optimizer="adamw", **rates)
    factors = fine_tuning.learning_rate_factors(model, config)
    seen = set()
    for variable, factor in zip(model.trainable_variables, factors, strict=True):
        layer = variable.path.removeprefix("classifier/").split("/")[0]
        seen.add(layer)
        assert factor == pytest.approx(0.65 ** (4 - layer_of_beit(layer, 3))), layer
    assert {"patches", "block1_attention", "block3_dense2"} <= seen
    optimizer = make_optimizer(config, 10, factors)
    assert (type(optimizer), optimizer.multipliers) == (AdamW, factors)


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
