"""Flags of fine-tuning."""

import pytest

from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.runtime.errors import UsageError


def test_results_are_named_after_the_labels():
    config = FinetuneConfig(workdir="a", label_fraction=0.01, untrained=True)
    assert config.run_dir == "a/finetune-0.01-seed0-untrained"
    config = FinetuneConfig(workdir="a", label_list="lists/10percent.txt", seed=2)
    assert config.run_dir == "a/finetune-10percent-seed2"
    config = FinetuneConfig(workdir="a", trainable="head")
    assert config.run_dir == "a/finetune-head-1-seed0"


def test_a_list_and_a_share_do_not_go_together():
    with pytest.raises(UsageError, match="one of --label_list and --label_fraction"):
        FinetuneConfig(workdir="a", label_list="b.txt", label_fraction=0.1)
