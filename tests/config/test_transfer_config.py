"""Flags of a transfer to several sets."""

import pytest

from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.config.transfer_config import TransferConfig
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError


def test_a_set_each_time_the_flag_is_given_and_its_name_may_have_commas():
    words = ["--workdir=a", "--dataset=folder:/a,/b", "--dataset=cifar10", "--seed=3"]
    config = flags.parse(TransferConfig, words)
    assert config.dataset == ("folder:/a,/b", "cifar10")
    assert config.evaluations == ("knn", "linear")
    assert config.run_dir == "a/transfer"
    knn = config.of(KNNConfig, "folder:/a,/b", output="out")
    assert (knn.dataset, knn.knn_k, knn.seed) == ("folder:/a,/b", (20,), 3)
    assert (knn.workdir, knn.output) == ("a", "out")
    for cls in (LinearConfig, SVMConfig):
        made = config.of(cls, "cifar10")
        assert (made.dataset, made.seed, made.image_size) == ("cifar10", 3, 0)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--evaluations=knn,tsne", "one of knn, linear, svm. Received: tsne"),
        ("--evaluations=", "--evaluations must be comma-separated texts"),
        ("--knn_k=20,200", "--knn_k must be 1 comma-separated whole numbers"),
        ("--dataset=cifar10", "names a set twice. Received: cifar10, cifar10"),
    ],
)
def test_what_cannot_be(flag, message):
    with pytest.raises(UsageError, match=message):
        flags.parse(TransferConfig, ["--workdir=a", "--dataset=cifar10", flag])
