"""What `--pixels=auto` stands for in a run, and in one that goes on."""

import json

import pytest

from ressl_tf.config import Config
from ressl_tf.pretraining.pixel_type import resolved, wanted


class Images:
    def __init__(self, dtype):
        self.dtype = dtype


@pytest.mark.parametrize(
    ("stored", "meant"),
    [
        (None, "auto"),
        ({}, "uint8"),  # of an earlier version
        ({"pixels": "auto"}, "uint8"),
        ({"pixels": "float32"}, "float32"),
    ],
)
def test_a_begun_run_keeps_its_numbers(tmp_path, stored, meant):
    if stored is not None:
        (tmp_path / "config.json").write_text(json.dumps(stored))
    assert wanted(Config(workdir=str(tmp_path))) == meant
    assert wanted(Config(workdir=str(tmp_path), pixels="uint8")) == "uint8"


def test_only_deep_images_are_written_down():
    assert resolved(Config(), Images("uint8")) == Config()
    assert resolved(Config(), Images("float32")).pixels == "float32"
    forced = Config(pixels="uint8")
    assert resolved(forced, Images("uint8")) is forced
