"""A pretraining run on a graph from its config to its result."""

import resource
import statistics
import sys
from typing import Any

import keras

from ressl_tf.config import Config
from ressl_tf.engine import callbacks, loop
from ressl_tf.engine.checkpoint import Checkpoints, weights_sha256
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import plots
from ressl_tf.graphs.graph import Graph, load_graph
from ressl_tf.graphs.link_split import hold_out_edges
from ressl_tf.graphs.rgrl import RGRL
from ressl_tf.pretraining.pretrain import last_step, make_model, resume
from ressl_tf.runtime.signals import Watch


def pretrain(config: Config) -> dict[str, Any]:
    """Pretrains as `config` says, or goes on where the same config stopped.

    An epoch is one step on the whole graph; metrics and checkpoints are written every
    `log_every` epochs and after the last.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the config, the graph or the workdir cannot be used.
        RunError: when the run fails: NaN, a full disk.
        Interrupted: when SIGTERM or SIGINT asked it to stop, and it is saved.
    """
    graph = open_graph(config)
    model = make_model(config, per_epoch=1)
    batches, last = model.batches(graph), last_step(config, per_epoch=1)
    with Workdir(config) as workdir, Watch() as watch:
        checkpoints = Checkpoints(workdir.checkpoints, config.keep_checkpoints)
        resume(model, checkpoints, workdir, config.log_every, last)
        if not workdir.rows():
            workdir.log({"epoch": 0, "step": 0})
        loop.fit(
            model,
            lambda start, stop: batches.take(stop - start),
            config.log_every,
            last,
            [
                *make_callbacks(config, workdir, model.guard),
                callbacks.save_checkpoint(checkpoints, config, watch),
            ],
        )
        figure = plots.curves(workdir.rows())
        plots.save(figure, workdir.path / "curves.png")
        return result(model, config, graph, workdir)


def open_graph(config: Config) -> Graph:
    """What the run sees of its graph: all, but for the edges that it holds out."""
    graph = load_graph(config.dataset)
    if not config.holdout_edges:
        return graph
    return hold_out_edges(graph, config.holdout_edges, config.seed)[0]


def make_callbacks(config, workdir, guard) -> list:
    """In the order in which they add to the logs and use them."""
    watchers = [
        callbacks.KeepMetrics(config.log_every),
        callbacks.Speed(config.steps_per_execution, "epochs_per_second"),
        callbacks.WatchNaN(guard, config.max_nan_steps),
        callbacks.CollapseWarning(),
        callbacks.MetricsLog(workdir, steps_per_epoch=1),
    ]
    if config.tensorboard:
        folder = str(workdir.path / "tensorboard")
        watchers.append(keras.callbacks.TensorBoard(folder, write_graph=False))
    return watchers


def result(model: RGRL, config: Config, graph: Graph, workdir) -> dict[str, Any]:
    """The JSON line."""
    rows = workdir.rows()
    last = rows[-1]
    speeds = [r["epochs_per_second"] for r in rows if "epochs_per_second" in r]
    return {
        "method": config.method,
        "dataset": config.dataset,
        "nodes": graph.num_nodes,
        "edges": len(graph.edges) // 2,
        "features": graph.num_features,
        "epochs": last["step"],
        "steps": last["step"],
        "steps_skipped": int(model.guard.bad_steps.numpy()),
        "loss": last.get("loss"),
        "embedding_std": last.get("embedding_std"),
        "seconds_per_epoch": 1 / statistics.median(speeds) if speeds else None,
        "peak_memory_bytes": peak_memory(),
        "seed": config.seed,
        "weights_sha256": weights_sha256(model),
        "workdir": str(workdir.path),
    }


def peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
