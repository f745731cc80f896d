"""Flags without meaning: those that no part of a run reads."""

import dataclasses

import pytest
from helpers.graphs import planted_graph, save_graph

from ressl_tf.config import Config
from ressl_tf.config.graph_flags import GraphFlags
from ressl_tf.config.method_flags import MethodFlags
from ressl_tf.config.method_table import METHODS
from ressl_tf.config.unused_flags import OF_IMAGES, TAKEN, unused
from ressl_tf.methods import build
from ressl_tf.methods.build import method_class

OF_METHODS = {
    field.name
    for kind in (MethodFlags, GraphFlags)
    for field in dataclasses.fields(kind)
}
OF_RUNNER = {"method"}, {"method", "holdout_edges", "log_every"}  # images, graphs


class Recorder:
    """A config that notes what is read of it."""

    def __init__(self, config):
        self.config, self.read = config, set()

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.config, name)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_the_flags_that_its_class_names(method):
    named = method_class(method)
    options = {*named.options, *getattr(named, "view_options", ())}
    options |= set(named.counted_in_epochs.values())
    expected = options & OF_METHODS | OF_RUNNER[method == "rgrl"]
    assert set(TAKEN[method]) == expected


@pytest.mark.parametrize("method", [name for name in METHODS if name != "rgrl"])
def test_no_part_reads_a_flag_without_meaning(method):
    config = Config(method=method, width=1 / 16, stem="small")
    recorder = Recorder(config)
    method_class(method).parts_from(recorder)
    build.build_optimizer(recorder, 10)
    assert {"image_size", "backbone", "weight_decay"} <= recorder.read
    assert not recorder.read & unused(vars(config))


def test_graphs_read_nothing_of_images(tmp_path):
    save_graph(planted_graph(), tmp_path / "tiny.npz")
    config = Config(method="rgrl", dataset=f"graph:{tmp_path}/tiny.npz")
    recorder = Recorder(config)
    method_class("rgrl").parts_from(recorder)
    assert recorder.read == {"dataset"}
    assert set(OF_IMAGES) <= unused(vars(config))


@pytest.mark.parametrize(
    ("flags", "flag", "without"),
    [
        ({"optimizer": "adamw"}, "sgd_momentum", True),
        ({"optimizer": "sgd"}, "sgd_momentum", False),
        ({"optimizer": "sgd"}, "trust_coefficient", True),
        ({"optimizer": "lars"}, "trust_coefficient", False),
        ({"lr_schedule": "constant"}, "cosine_per_epoch", True),
        ({"method": "byol", "predictor_depth": 0}, "predictor_bn", True),
        ({"method": "byol"}, "predictor_bn", False),
        ({"method": "ressl_plus"}, "infonce_schedule", False),
        (
            {"method": "ressl_plus", "infonce_warmup_epochs": 2.0},
            "infonce_schedule",
            False,
        ),
        ({"mean": (0.5,) * 3, "std": (0.2,) * 3}, "normalization", True),
        ({}, "normalization", False),
    ],
)
def test_one_value_leaves_another_flag_without_meaning(flags, flag, without):
    assert (flag in unused(vars(Config(**flags)))) == without


def test_an_own_method_may_use_every_flag():
    assert unused({"method": "of_somebody", "optimizer": "adamw"}) == frozenset()
