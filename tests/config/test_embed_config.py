"""Flags of the embed command."""

import pytest

from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "x.npz"}, "one of --workdir and --model. Received: neither"),
        ({"workdir": "a", "model": "b", "output": "x.npz"}, "Received: both"),
        ({"workdir": "a"}, "--output must be given"),
        ({"workdir": "a", "output": "x.txt"}, "must end in .npz, .parquet"),
    ],
)
def test_flags_that_do_not_go_together(options, message):
    with pytest.raises(UsageError, match=message):
        EmbedConfig(**options)


def test_the_format_is_the_end_of_the_name_unless_it_is_given():
    assert EmbedConfig(workdir="a", output="x.parquet").format_name == "parquet"
    config = EmbedConfig(workdir="a", output="x.npz", format="csv")
    assert config.format_name == "csv"
    assert config.run_dir == "x.npz.parts"
