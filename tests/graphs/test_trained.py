"""Runs on graphs, opened."""

import dataclasses
import shutil

import numpy as np
import pytest

from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.runtime.errors import UsageError


def test_links_need_a_run_that_held_edges_out(graph_run):
    run = open_graph_run(str(graph_run))
    all_edges = dataclasses.replace(run.config, holdout_edges=0.0)
    with pytest.raises(UsageError, match="train with --holdout_edges"):
        dataclasses.replace(run, config=all_edges).held_out()


def test_checkpoints_are_the_encoder_as_it_was(graph_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(graph_run, folder)
    path = folder / "checkpoints" / "step-000000003.npz"
    arrays = dict(np.load(path))
    arrays["online/000"] = arrays["online/000"] * 2
    np.savez(path.with_name("step-000000001.npz"), **arrays)
    run = open_graph_run(str(folder))
    first, last = run.checkpoints()
    kernels = [r.encoder.variables[0].numpy() for r in (run, first, last)]
    np.testing.assert_array_equal(kernels[0] * 2, kernels[1])
    np.testing.assert_array_equal(kernels[0], kernels[2])


def test_a_run_on_images_is_refused(unbroken, tmp_path):
    with pytest.raises(UsageError, match=r"run on a graph.*Received: .*, a run on im"):
        open_graph_run(str(unbroken[1]))
    with pytest.raises(UsageError, match=r"Received: .*, no run"):
        open_graph_run(str(tmp_path))
