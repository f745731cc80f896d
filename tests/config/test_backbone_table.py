"""The table of backbones: every row leads to a function that makes one."""

import importlib

import pytest

from ressl_tf.config import Config
from ressl_tf.config.backbone_table import BACKBONES, STEMS


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_has_a_home_and_stems_that_are_flags(name):
    row = BACKBONES[name]
    module, _, function = row.home.partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert set(row.stems) <= set(STEMS)
    assert set(row.options) <= set(Config.__dataclass_fields__)


def test_flags_offer_the_backbones_and_stems_of_the_table():
    def choices(name):
        return Config.__dataclass_fields__[name].metadata["choices"]

    assert tuple(choices("backbone")) == tuple(BACKBONES)
    assert set(choices("stem")) == set(STEMS)
