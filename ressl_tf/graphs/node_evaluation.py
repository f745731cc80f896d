"""Judges a trained run on a graph by the embeddings of its nodes."""

import dataclasses
import logging
import pathlib
from typing import Any

import numpy as np

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.evaluate import results
from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.link_split import undirected
from ressl_tf.graphs.node_config import NodeFlags
from ressl_tf.graphs.node_tasks import TASKS, accuracies, embed
from ressl_tf.graphs.trained import GraphRun, open_graph_run
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
GRAPH_FLAGS = frozenset(field.name for field in dataclasses.fields(NodeFlags))
TAKEN = GRAPH_FLAGS | {  # of LinearConfig, by a run on a graph
    *("workdir", "untrained", "dataset", "seed", "output"),
    *("solver", "lbfgs_c", "lbfgs_iterations"),
}


def judge(config: LinearConfig) -> dict[str, Any]:
    """Embeds the nodes by the frozen encoder and does the tasks that are asked for.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the run, its graph or its labels cannot be used so.
        RunError: when no checkpoint can be read.
    """
    refuse_image_flags(config)
    if config.checkpoint == "validation" and config.untrained:
        raise UsageError(
            "--checkpoint=validation chooses among trained encoders. Received: "
            "--untrained"
        )
    run = open_graph_run(config.workdir)
    graph = run.graph(config.dataset)
    if config.untrained:
        run = run.untrained(config.seed)
    elif config.checkpoint == "validation":
        run = best_on_validation(config, run, graph)
    embeddings = embed(config, run, graph)
    log.info("%d nodes, %d features of each", *embeddings.shape)
    figures = {}
    for task in config.tasks:
        figures |= TASKS[task](config, run, graph, embeddings)
    line = {
        "command": config.command,
        "encoder": config.source,
        "untrained": config.untrained,
        "step": run.step,
        "dataset": config.dataset or run.config.dataset,
        "features": config.features,
        "nodes": graph.num_nodes,
        "edges": len(undirected(graph.edges)),
        "feature_dim": embeddings.shape[1],
        "tasks": list(config.tasks),
        "seed": config.seed,
        **figures,
        "output": config.run_dir,
    }
    results.write_json(pathlib.Path(config.run_dir) / "result.json", line)
    return line


def best_on_validation(config: LinearConfig, run: GraphRun, graph: Graph) -> GraphRun:
    """The run at its checkpoint with the best mean accuracy on validation nodes."""
    best, highest = run, -1.0
    for earlier in run.checkpoints():
        found = accuracies(config, graph, embed(config, earlier, graph))
        mean = float(np.mean([each.validation for each in found]))
        log.info("step %6d: validation top-1 %.4f", earlier.step, mean)
        if mean > highest:  # of equal ones the first, as in the official code
            best, highest = earlier, mean
    return best


def refuse_image_flags(config: LinearConfig) -> None:
    """Raises `UsageError` for flags that a run on a graph would not heed."""
    if unused := _given(config) - TAKEN:
        hint = "; --probe_steps and --probe_learning_rate are its Adam's"
        raise UsageError(
            f"{config.workdir} holds a run on a graph, for which --"
            f"{', --'.join(sorted(unused))} means nothing"
            + hint
            * bool(unused & {"epochs", "learning_rate"})
        )


def refuse_graph_flags(config: LinearConfig) -> None:
    """Raises `UsageError` for flags that are for runs on graphs."""
    if unused := _given(config) & GRAPH_FLAGS:
        raise UsageError(
            f"--{', --'.join(sorted(unused))} is for the workdir of a run on a graph. "
            f"Received: {config.source}"
        )


def _given(config) -> set[str]:
    return {text[2:].partition("=")[0] for text in flags.arguments(config)}
