"""Runs on images whose flags change views, normalisation and gradients."""

import json

import numpy as np
import pytest
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.models.backbones import vit
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.saving.pretrained import open_pretrained

FLAGS = {
    "mean": (0.1, 0.2, 0.3),
    "std": (0.4, 0.5, 0.6),
    "clip_norm": 0.5,
    "solarize_prob": 0.3,
    "vertical_flip_prob": 0.5,
    "quarter_turns": True,
    "rotation": 15.0,
}


VIT = {
    "backbone": "vit_tiny",
    "patch_size": 8,
    "vit_pooling": "token",
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "decay_bias_and_norm": False,
    "drop_path": 0.3,
    "weight_decay": 0.04,
    "weight_decay_end": 0.4,
    "width": 1 / 3,
    "knn_every": 0,
}


@pytest.mark.slow
def test_a_transformer_resumes_to_the_bit(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(vit, "DEPTH", 2)
    results = {}
    for name, stops in (("whole", [0]), ("pieces", [4, 0])):
        for stop in stops:
            options = {**TINY, **VIT, "image_size": 16, "workdir": str(tmp_path / name)}
            config = Config(**options, dataset=f"folder:{photos}", max_steps=stop)
            results[name] = pretraining.pretrain(config)
    assert results["whole"]["weights_sha256"] == results["pieces"]["weights_sha256"]
    lines = (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()
    decays = [json.loads(line)["weight_decay"] for line in lines[1:]]
    assert decays == sorted(decays)
    assert decays[-1] == pytest.approx(0.4)


@pytest.mark.slow
def test_a_run_with_every_option_of_views_resumes_on_host_and_device(photos, tmp_path):
    results = {}
    for place in ("host", "device"):
        for name, stops in (("whole", [0]), ("pieces", [1, 4, 0])):
            folder = tmp_path / place / name
            options = {**TINY, **FLAGS, "augment_on": place, "workdir": str(folder)}
            for stop in stops:
                config = Config(**options, dataset=f"folder:{photos}", max_steps=stop)
                results[place, name] = pretraining.pretrain(config)
        whole, pieces = results[place, "whole"], results[place, "pieces"]
        assert whole["weights_sha256"] == pieces["weights_sha256"]
    losses = [results[place, "whole"]["loss"] for place in ("host", "device")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    encoder = open_pretrained(tmp_path / "host" / "whole").encoder
    np.testing.assert_allclose(encoder.mean, FLAGS["mean"])
    np.testing.assert_allclose(encoder.std, FLAGS["std"])
