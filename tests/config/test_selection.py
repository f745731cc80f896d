"""Which checkpoint is taken, and by what it can be chosen."""

import pytest

from ressl_tf.config import Config
from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    "options",
    [
        {"knn_every": 0},
        {"eval_split": "none"},
        {"method": "rgrl", "dataset": "graph:file.npz"},
    ],
)
def test_keep_best_needs_the_knn_monitor(options):
    flag = "--" + "=".join(map(str, next(iter(options.items()))))
    with pytest.raises(UsageError, match=f"--keep_best.*Received: {flag}"):
        Config(keep_best=True, **options)


@pytest.mark.parametrize(
    ("cls", "options", "received"),
    [
        (KNNConfig, {"model": "m.keras"}, "--model=m.keras"),
        (KNNConfig, {"workdir": "w", "untrained": True}, "--untrained"),
        (ExportConfig, {"model": "m.keras", "output": "o"}, "--model=m.keras"),
    ],
)
def test_the_best_is_chosen_among_checkpoints(cls, options, received):
    with pytest.raises(UsageError, match=f"checkpoints.*Received: {received}"):
        cls(model_selection="best", **options)


def test_results_of_the_best_lie_apart():
    names = [
        cls(workdir="w", model_selection=which).run_name
        for cls in (KNNConfig, FinetuneConfig)
        for which in ("last", "best")
    ]
    assert names == ["knn", "knn-best", "finetune-1-seed0", "finetune-1-seed0-best"]
