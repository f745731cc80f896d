"""Flags of plotting."""

import pathlib

import pytest

from ressl_tf.config.plot_config import PlotConfig
from ressl_tf.runtime.errors import UsageError


def test_one_encoder_is_drawn_and_the_pictures_have_a_place():
    for given in ({}, {"workdir": "a", "model": "b"}):
        with pytest.raises(UsageError, match="one of --workdir"):
            PlotConfig(**given)
    folders = {
        PlotConfig(workdir="runs/a"): "runs/a/plots",
        PlotConfig(model="x/encoder.keras"): "runs/plots-encoder",
        PlotConfig(model="exports/v1.2/"): "runs/plots-v1.2",
        PlotConfig(model="m", output="here"): "here",
    }
    for config, folder in folders.items():
        assert config.output_dir == pathlib.Path(folder)


def test_a_perplexity_below_one_is_refused():
    with pytest.raises(UsageError, match=r"0 or at least 1\. Received: 0\.5"):
        PlotConfig(workdir="a", perplexity=0.5)


def test_a_file_for_the_folder_of_pictures_is_refused():
    with pytest.raises(UsageError, match=r"is the folder .*Received: .*p\.PNG"):
        PlotConfig(workdir="a", output="somewhere/p.PNG")
