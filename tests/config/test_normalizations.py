"""Means and standard deviations: by name, one's own, and what is refused."""

import pytest

from ressl_tf.config import Config
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.config.normalizations import mean_and_std
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError

OWN = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}


def test_own_values_take_the_place_of_a_names():
    assert mean_and_std(Config(normalization="cifar10")) == (
        (0.4914, 0.4822, 0.4465),
        (0.2023, 0.1994, 0.2010),
    )
    given = flags.parse(Config, ["--mean=0.1,0.2,0.3", "--std=.4,.5,.6"])
    for config in (given, ConvertConfig(workdir="a", checkpoint="b", **OWN)):
        assert mean_and_std(config) == tuple(OWN.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mean=0.1,0.2,0.3"], "--mean needs --std. Received: no --std"),
        (["--std=0.1,0.2,0.3"], "--std needs --mean. Received: no --mean"),
        (["--mean=0.1", "--std=0.1,0.2,0.3"], "--mean must be three .* Received: 0.1"),
        (["--mean=123,117,104", "--std=1,1,1"], "--mean must be between 0.0 and 1.0"),
        (["--mean=0,0,0", "--std=0,1,1"], "--std must be between 0.001 and 1.0"),
        (["--mean=0,0,nan", "--std=1,1,1"], "--mean must be between .* Received: nan"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        flags.parse(Config, arguments)
