"""Tasks that evaluate embeddings of nodes; each returns fields of the JSON line."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ressl_tf.evaluate import logistic, scores
from ressl_tf.graphs import clustering, link_prediction, probe, similarity
from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.link_split import non_edges, undirected
from ressl_tf.graphs.node_config import NodeConfig
from ressl_tf.graphs.node_splits import NodeSplit, node_splits
from ressl_tf.graphs.trained import GraphRun
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
FEWEST_NODES = 10  # with labels: a tenth of them is one
TRAINING_EDGES = 20_000  # at most, for the logistic regression on links
Figures = dict[str, Any]
Task = Callable[[NodeConfig, GraphRun, Graph, np.ndarray], Figures]


def embed(config: NodeConfig, run: GraphRun, graph: Graph) -> np.ndarray:
    """Return the features that are evaluated, float32 [nodes, length]."""
    return graph.features if config.features == "raw" else run.embed(graph)


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """The accuracy of the classifier of one split.

    Attributes:
        validation: on the validation nodes, a fraction.
        test: on the test nodes, a fraction.
        confusion: of the test nodes, [classes, classes].
    """

    validation: float
    test: float
    confusion: np.ndarray


def accuracies(
    config: NodeConfig, graph: Graph, embeddings: np.ndarray
) -> Iterator[Accuracy]:
    """Train a classifier for each split and evaluate it on the other nodes."""
    labels, classes = labels_of(graph), len(graph.label_names)
    for number, split in enumerate(node_splits(labels, config.splits, config.seed)):
        kernel, bias = _solve(config, embeddings, labels, classes, split, number)
        answers = (embeddings @ kernel + bias).argmax(axis=1)
        right = answers == labels
        yield Accuracy(
            float(right[split.validation].mean()),
            float(right[split.test].mean()),
            scores.confusion(answers[split.test], labels[split.test], classes),
        )


def classify(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """Return the accuracy over splits: mean, standard deviation, and by class."""
    found = []
    for accuracy in accuracies(config, graph, embeddings):
        found.append(accuracy)
        done = f"split {len(found):2d} of {config.splits}"
        log.info("%s: top-1 %.4f", done, accuracy.test)
    tested = [accuracy.test for accuracy in found]
    counts = np.sum([accuracy.confusion for accuracy in found], axis=0)
    fractions = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)
    return {
        "linear_top1": float(np.mean(tested)),
        "linear_top1_std": float(np.std(tested)),
        "linear_top1_splits": tested,
        "validation_top1": float(np.mean([each.validation for each in found])),
        "top1": float(np.mean(tested)),
        "per_class": dict(zip(graph.label_names, fractions.tolist(), strict=True)),
        "solver": config.solver,
    }


def _solve(config, embeddings, labels, classes, split: NodeSplit, number):
    """Return kernel and bias of the classifier of one split."""
    features, targets = embeddings[split.train], labels[split.train]
    if config.solver == "lbfgs":
        options = {"seed": config.seed, "iterations": config.lbfgs_iterations}
        found = logistic.fit(features, targets, classes, config.lbfgs_c, **options)
        return found.kernel, found.bias
    return probe.fit(
        features,
        targets,
        classes,
        learning_rate=config.probe_learning_rate,
        steps=config.probe_steps,
        seed=config.seed + number,
    )


def search(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """Return Sim@5 and Sim@10."""
    fractions = similarity.same_class_fraction(embeddings, labels_of(graph))
    log.info("fraction of the class: Sim@5 %.4f, Sim@10 %.4f", *fractions.values())
    return {f"sim_at_{k}": fraction for k, fraction in fractions.items()}


def cluster(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """Return NMI and ARI of k-means."""
    found = clustering.agreement(embeddings, labels_of(graph), seed=config.seed)
    log.info("clusters and classes: NMI %(nmi).4f, ARI %(ari).4f", found)
    return found


def predict_links(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """Return AUC and average precision on the edges that were held out of training.

    The nodes are embedded on the training graph. The regression learns from its edges
    and as many pairs without one. The queries are the held-out edges and as many pairs
    that have no edge in the whole graph.
    """
    if config.dataset not in ("", run.config.dataset):
        raise UsageError(
            "--tasks=links predicts the edges that the run held out of its own graph. "
            f"Received: --dataset={config.dataset}"
        )
    training_graph, positive, negative = run.held_out()
    embeddings = embed(config, run, training_graph)
    queries, edges = np.concatenate([positive, negative]), len(positive)
    training_pairs = _training_pairs(training_graph, queries, config.seed)
    by_cosine = link_prediction.cosines(embeddings, queries)
    by_product = link_prediction.hadamard_scores(
        embeddings, training_pairs, queries, config.seed
    )
    found: Figures = {"held_out_edges": edges}
    for name, values in (("", by_cosine), ("_hadamard", by_product)):
        area, precision = link_prediction.auc_and_ap(values[:edges], values[edges:])
        found |= {f"link_auc{name}": area, f"link_ap{name}": precision}
    log.info("links: AUC %(link_auc).4f, AP %(link_ap).4f", found)
    return found


def _training_pairs(
    graph: Graph, queries: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sample edges, and as many pairs without one; none of them is a query."""
    generator = np.random.default_rng((seed, 2))
    edges = generator.permutation(undirected(graph.edges))[:TRAINING_EDGES]
    excluded = np.concatenate([graph.edges, queries, queries[:, ::-1]])
    with_queries = Graph.from_edges(graph.features, excluded)
    return edges, non_edges(with_queries, len(edges), (seed, 3))


def labels_of(graph: Graph) -> np.ndarray:
    """Return the labels of a graph, int32 [nodes], -1 for none.

    Raises:
        UsageError: there are too few to evaluate by.
    """
    labels = np.full(graph.num_nodes, -1) if graph.labels is None else graph.labels
    count, classes = np.sum(labels >= 0), len(np.unique(labels[labels >= 0]))
    if count < FEWEST_NODES or classes < 2:
        raise UsageError(
            "evaluating nodes by their classes needs labels of "
            f"{FEWEST_NODES} nodes and two classes; --tasks=links needs none. "
            f"Received: {count} labels of {classes} classes"
        )
    return labels


TASKS: dict[str, Task] = {
    "classification": classify,
    "similarity": search,
    "clustering": cluster,
    "links": predict_links,
}
