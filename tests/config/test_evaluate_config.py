"""Flags of evaluations, and the folders of results."""

import pytest

from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of --workdir and --model. Received: neither"),
        ({"workdir": "a", "model": "b"}, "Received: --workdir=a and --model=b"),
        ({"bank": "a.npz"}, "give both of --bank and --queries"),
        ({"bank": "a", "queries": "b", "workdir": "c"}, "Received: --workdir too"),
        ({"bank": "a", "queries": "b"}, "needs --solver=lbfgs"),
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
