"""Flags of conversion that are refused."""

import pytest

from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workdir": "a"}, "--to=workdir needs .* Received: no --checkpoint"),
        ({"checkpoint": "a"}, "--to=workdir needs .* Received: no --workdir"),
        ({"to": "torch", "workdir": "a"}, "--to=torch needs .* Received: no --output"),
        ({"checkpoint": "a", "workdir": "b", "output": "c"}, "takes no --output"),
        (
            {"checkpoint": "a", "workdir": "b", "layout": "torch"},
            "--layout must be one",
        ),
    ],
)
def test_wrong_flags_are_named(options, message):
    with pytest.raises(UsageError, match=message):
        ConvertConfig(**options)
