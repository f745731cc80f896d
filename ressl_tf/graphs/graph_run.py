"""A pretraining run on a graph, from its config to its result."""

import logging
import shlex
from typing import Any

from ressl_tf.config import Config
from ressl_tf.data.fingerprint import of_files
from ressl_tf.engine import callbacks, tracking
from ressl_tf.engine.run import Run, last_step
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import plots
from ressl_tf.evaluate.report import refreshed_report
from ressl_tf.graphs.gcn import GCN
from ressl_tf.graphs.graph import PREFIX, Graph, load_graph
from ressl_tf.graphs.link_split import hold_out_edges
from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.methods.build import build_model, make_model
from ressl_tf.pretraining.dry_run import count, with_flags
from ressl_tf.runtime.host import peak_memory
from ressl_tf.runtime.signals import Watch

log = logging.getLogger("ressl_tf")


def pretrain(config: Config) -> dict[str, Any]:
    """Pretrain on a graph; see `pretraining.pretrain`.

    An epoch is one step on the whole graph; metrics and checkpoints are written every
    `log_every` epochs and after the last.
    """
    tracking.check_installed(config)
    graph = open_graph(config)
    model = make_model(config)
    batches = model.batches(graph)
    with (
        Workdir(config) as workdir,
        tracking.following(config, workdir) as followers,
        Watch(grace_seconds=config.grace_seconds) as watch,
    ):
        run = Run(
            config=config,
            data=graph,
            model=model,
            batches=lambda start, stop: batches.take(stop - start),
            steps_per_epoch=1,
            last_step=last_step(config, steps_per_epoch=1),
            workdir=workdir,
            watch=watch,
            tracking=followers,
            steps_per_row=config.log_every,
            speed=("epochs_per_second", config.steps_per_execution),
            fingerprint=lambda: of_files([config.dataset.removeprefix(PREFIX)]),
        )
        run.resume()
        if run.is_new:
            run.log({"epoch": 0, "step": 0})
        run.fit([callbacks.CollapseWarning()])
        plots.save(plots.curves(workdir.rows()), workdir.path / "curves.png")
        run.show("curves")
        line = result(run)
        if config.report:
            line["report"] = refreshed_report.write_report(config)
        run.keep(line)
        followers.result(line)
        log.info("reached after %d epochs: loss %s", line["epochs"], line["loss"])
        log.info("pictures: curves.png in %s", line["workdir"])
        quoted = shlex.quote(line["workdir"])
        log.info("next: python -m ressl_tf.nodes --workdir=%s", quoted)
        return line


def open_graph(config: Config) -> Graph:
    """Load the graph that a run trains on: all but the edges that it holds out."""
    graph = load_graph(config.dataset)
    if not config.holdout_edges:
        return graph
    return hold_out_edges(graph, config.holdout_edges, config.seed)[0]


def result(run: Run) -> dict[str, Any]:
    """Return the JSON line of a finished run."""
    config, graph, last = run.config, run.data, run.workdir.rows()[-1]
    epochs_per_second = run.throughput()
    return {
        "method": config.method,
        "dataset": config.dataset,
        "nodes": graph.num_nodes,
        "edges": len(graph.edges) // 2,
        "features": graph.num_features,
        **run.result(),
        "epochs": last["step"],
        "embedding_std": last.get("embedding_std"),
        "seconds_per_epoch": 1 / epochs_per_second if epochs_per_second else None,
        "peak_memory_bytes": peak_memory(),
    }


def trained_model(workdir: str) -> GCN:
    """Open the encoder that a run on a graph has trained."""
    return open_graph_run(workdir).encoder


def describe(config: Config) -> dict[str, Any]:
    """Report nodes, edges, steps and parameters without training: `--dry_run`."""
    graph, model = open_graph(config), build_model(config)
    assert model.predictor is not None  # RGRL always has one
    return with_flags(
        config,
        {
            "nodes": graph.num_nodes,
            "edges": len(graph.edges) // 2,
            "features": graph.num_features,
            "steps_per_epoch": 1,
            "steps": last_step(config, steps_per_epoch=1),
            "encoder_parameters": count(model.online.trainable_variables),
            "predictor_parameters": count(model.predictor.trainable_variables),
            "feature_dim": model.online.feature_dim,
            "workdir": config.run_dir,
        },
    )
