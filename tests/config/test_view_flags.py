"""Flags of views: they reach the layers of every method, and what is refused."""

import pytest

from ressl_tf.config import Config
from ressl_tf.data.augment.layers import RandomSolarize
from ressl_tf.methods.build import build_model
from ressl_tf.runtime.errors import UsageError

TURNS = {"vertical_flip_prob": 0.3, "quarter_turns": True, "rotation": 20.0}
SMALL = {"width": 1 / 16, "hidden_dim": 8, "image_size": 32, "epochs": 10}
METHODS = ["ressl", "ressl_multicrop", "ressl_plus", "mocov2", "reco", "byol", "rsa"]


@pytest.mark.parametrize("method", METHODS)
def test_turns_are_of_all_views_and_solarising_of_strong_ones(method):
    config = Config(method=method, solarize_prob=0.2, **TURNS, **SMALL)
    for name, view in build_model(config).views.views.items():
        for crop in view.geometric:
            assert {option: getattr(crop, option) for option in TURNS} == TURNS
        last = view.photometric[-1:]
        assert [layer.p for layer in last] == [0.2] * (not name.startswith("weak"))
        assert all(isinstance(layer, RandomSolarize) for layer in last)
        assert bool(view.geometric) == (view.source is None)  # rsa turns an image once


def test_nothing_is_added_where_nothing_is_asked_for():
    for view in build_model(Config(**SMALL)).views.views.values():
        (crop,) = view.geometric
        options = crop.vertical_flip_prob, crop.quarter_turns, crop.rotation
        assert options == (0.0, False, 0.0)
        assert len(view.photometric) in (0, 3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"rotation": 181.0}, "--rotation must be between 0.0 and 180.0"),
        ({"solarize_prob": 2.0}, "--solarize_prob must be between 0.0 and 1.0"),
        ({"color_jitter": (0.4, 0.4, 0.4, 0.6)}, "hue .* must be at most 0.5"),
    ],
)
def test_what_no_view_can_follow_is_refused(flags, message):
    with pytest.raises(UsageError, match=message):
        Config(**flags)
