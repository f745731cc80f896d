"""Flags of export: what is refused, and the order of outputs."""

import pytest

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "out"}, "one of --workdir and --model. Received: neither"),
        ({"model": "a", "workdir": "b", "output": "out"}, "Received: both"),
        ({"model": "a"}, "--output must be given"),
        ({"model": "a", "output": "a.keras"}, "use --format=keras"),
        ({"model": "a", "output": "b", "outputs": ("feature",)}, "Received: feature"),
        ({"model": "a", "output": "b", "outputs": ("auto", "logits")}, "stands alone"),
        ({"model": "a", "output": "b", "image_size": -1}, "between 0 and 4096"),
    ],
)
def test_flags_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        ExportConfig(**options)


def test_outputs_come_in_one_order_with_features_first():
    arguments = ["--model=a", "--output=b", "--outputs=probabilities, logits"]
    config = flags.parse(ExportConfig, arguments)
    assert config.output_names == ("features", "logits", "probabilities")
    assert ExportConfig(model="a", output="b").output_names is None
