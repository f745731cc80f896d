"""Runs on images whose flags change views, normalisation and gradients."""

import numpy as np
import pytest
from helpers.models import TINY

from ressl_tf.config import Config
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
