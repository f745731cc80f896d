"""`--normalization=auto`: measured once, kept by the run, the model and its card."""

import json

import numpy as np
import pytest
from helpers.models import TINY
from helpers.photos import write

from ressl_tf import export
from ressl_tf.config import Config
from ressl_tf.data.load import load_source
from ressl_tf.pretraining import auto_normalization, dry_run
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained


def config(folder, tmp_path, **options):
    options = {"normalization": "auto", "workdir": str(tmp_path / "run"), **options}
    return Config(**{**TINY, **options}, dataset=f"folder:{folder}")


@pytest.fixture
def own(tmp_path):
    """Write 16 flat photos whose greys are 0 and 102, of 255, by halves."""
    for number in range(16):
        image = np.full((16, 16, 3), 102 * (number % 2), np.uint8)
        write(tmp_path / "photos" / f"{number:02}.png", image)
    return tmp_path / "photos"


def test_a_begun_run_keeps_its_numbers(own, tmp_path):
    source = load_source(f"folder:{own}", "train")
    found = auto_normalization.resolved(config(own, tmp_path), source)
    assert (found.mean, found.std) == ((0.2,) * 3, (0.2,) * 3)
    given = config(own, tmp_path, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert auto_normalization.resolved(given, source) is given
    begun = {"normalization": "auto", "mean": [0.1] * 3, "std": [0.3] * 3}
    write(tmp_path / "run" / "config.json", json.dumps(begun).encode())
    found = auto_normalization.resolved(config(own, tmp_path), source)
    assert (found.mean, found.std) == ((0.1,) * 3, (0.3,) * 3)


@pytest.mark.slow
def test_the_dry_run_tells_them(own, tmp_path):
    report = dry_run.describe(config(own, tmp_path, cache_dir=str(tmp_path / "c")))
    assert report["config"]["mean"] == (0.2,) * 3
    assert report["config"]["normalization"] == "auto"
    absent = dry_run.describe(config(tmp_path / "nowhere", tmp_path))
    assert absent["steps"] is None


def test_it_is_of_runs_alone(own, tmp_path):
    from ressl_tf.methods.build import build_model

    with pytest.raises(UsageError, match=r"auto is of a run.*give --mean"):
        build_model(config(own, tmp_path))


@pytest.mark.slow
def test_run_resumed_run_and_card_have_the_same_numbers(own, tmp_path):
    flags = config(own, tmp_path, queue_size=16, epochs=2, knn_every=0)
    pretraining.pretrain(config(own, tmp_path, queue_size=16, epochs=2, knn_every=0))
    encoder = open_pretrained(tmp_path / "run").encoder
    np.testing.assert_allclose((encoder.mean, encoder.std), 0.2)
    write(own / "00.png", np.full((16, 16, 3), 255, np.uint8))
    again = pretraining.pretrain(flags)
    assert again["steps"] == 4
    export(workdir=str(tmp_path / "run"), output=str(tmp_path / "exported"))
    card = (tmp_path / "exported" / "model_card.md").read_text()
    assert "| normalization | auto |" in card
    assert "| mean | 0.2, 0.2, 0.2 |" in card
