"""Evaluate a trained run on a graph by the embeddings of its nodes."""

import logging
import pathlib
from typing import Any

import numpy as np

from ressl_tf.evaluate import results
from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.link_split import undirected
from ressl_tf.graphs.node_config import NodeConfig
from ressl_tf.graphs.node_tasks import TASKS, accuracies, embed
from ressl_tf.graphs.trained import GraphRun, open_graph_run

log = logging.getLogger("ressl_tf")


def evaluate(config: NodeConfig) -> dict[str, Any]:
    """Embed the nodes by the frozen encoder and run the tasks of the config.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: the run, its graph or its labels do not allow a task.
        RunError: no checkpoint can be read.
    """
    run = open_graph_run(config.workdir)
    graph = run.graph(config.dataset)
    if config.untrained:
        run = run.untrained(config.seed)
    elif config.model_selection == "validation":
        run = best_on_validation(config, run, graph)
    embeddings = embed(config, run, graph)
    log.info("%d nodes, %d features of each", *embeddings.shape)
    figures: dict[str, Any] = {}
    for task in config.tasks:
        figures |= TASKS[task](config, run, graph, embeddings)
    line = {
        "command": config.command,
        "encoder": config.workdir,
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


def best_on_validation(config: NodeConfig, run: GraphRun, graph: Graph) -> GraphRun:
    """Return the run at its checkpoint with the best accuracy on validation nodes."""
    best, highest = run, -1.0
    for earlier in run.checkpoints():
        found = accuracies(config, graph, embed(config, earlier, graph))
        mean = float(np.mean([each.validation for each in found]))
        log.info("step %6d: validation top-1 %.4f", earlier.step, mean)
        if mean > highest:  # of equal ones the first, as in the official code
            best, highest = earlier, mean
    return best
