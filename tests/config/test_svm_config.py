"""Flags of SVMs."""

import pytest

from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError


def test_the_protocol_of_the_papers_is_the_default():
    config = flags.parse(SVMConfig, ["--workdir=a"])
    assert config.shots == (1, 2, 4, 8, 16, 32, 64, 0)
    assert (config.draws, config.draw, config.low_shot_c) == (5, "class", 0.5)
    assert config.run_dir == "a/svm"
    floor = flags.parse(SVMConfig, ["--workdir=a", "--untrained"])
    assert floor.run_dir == "a/svm-untrained"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--shots=1,1", "names a number twice. Received: 1,1"),
        ("--shots=-1", "at least 0. Received: -1"),
        ("--svm_c=0", "--svm_c must be at least 1e-12"),
        ("--average_precision=ap", "one of area, voc07. Received: ap"),
        ("--draw=all", "one of class, pool"),
        ("--draws=0", "at least 1"),
    ],
)
def test_what_cannot_be(flag, message):
    with pytest.raises(UsageError, match=message):
        flags.parse(SVMConfig, ["--workdir=a", flag])
