"""What the nodes of a graph are judged by, each giving figures of the JSON line."""

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
KNOWN_EDGES = 20_000  # of which the links' regression learns, at most
Figures = dict[str, Any]
Task = Callable[[NodeConfig, GraphRun, Graph, np.ndarray], Figures]


def embed(config: NodeConfig, run: GraphRun, graph: Graph) -> np.ndarray:
    """What is judged, float32 [nodes, length]."""
    return graph.features if config.features == "raw" else run.embed(graph)


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Of the classifier of one split, on its validation and its test nodes."""

    validation: float
    test: float
    confusion: np.ndarray  # of the test nodes, [classes, classes]


def accuracies(
    config: NodeConfig, graph: Graph, embeddings: np.ndarray
) -> Iterator[Accuracy]:
    """A classifier for each split, judged on the nodes it did not learn from."""
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
    """Accuracy over the splits: mean, standard deviation, and of each class."""
    found = []
    for accuracy in accuracies(config, graph, embeddings):
        found.append(accuracy)
        done = f"split {len(found):2d} of {config.splits}"
        log.info("%s: top-1 %.4f", done, accuracy.test)
    tested = [accuracy.test for accuracy in found]
    counts = np.sum([accuracy.confusion for accuracy in found], axis=0)
    shares = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)
    return {
        "linear_top1": float(np.mean(tested)),
        "linear_top1_std": float(np.std(tested)),
        "linear_top1_splits": tested,
        "validation_top1": float(np.mean([each.validation for each in found])),
        "top1": float(np.mean(tested)),
        "per_class": dict(zip(graph.label_names, shares.tolist(), strict=True)),
        "solver": config.solver,
    }


def _solve(config, embeddings, labels, classes, split: NodeSplit, number):
    """Kernel and bias of one split's classifier."""
    known, wanted = embeddings[split.train], labels[split.train]
    if config.solver == "lbfgs":
        options = {"seed": config.seed, "iterations": config.lbfgs_iterations}
        found = logistic.fit(known, wanted, classes, config.lbfgs_c, **options)
        return found.kernel, found.bias
    return probe.fit(
        known,
        wanted,
        classes,
        learning_rate=config.probe_learning_rate,
        steps=config.probe_steps,
        seed=config.seed + number,
    )


def search(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """Sim@5 and Sim@10."""
    shares = similarity.same_class_fraction(embeddings, labels_of(graph))
    log.info("of the nearest 5 and 10 are of the class: %.4f, %.4f", *shares.values())
    return {f"sim_at_{k}": share for k, share in shares.items()}


def cluster(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """NMI and ARI of k-means."""
    found = clustering.agreement(embeddings, labels_of(graph), seed=config.seed)
    log.info("clusters and classes: NMI %(nmi).4f, ARI %(ari).4f", found)
    return found


def predict_links(
    config: NodeConfig, run: GraphRun, graph: Graph, embeddings: np.ndarray
) -> Figures:
    """AUC and average precision on the run's edges that it did not see.

    The embeddings are of the graph without those edges, and so is what the regression
    learns from: as many edges as pairs without one. Pairs to score come from the whole.
    """
    if config.dataset not in ("", run.config.dataset):
        raise UsageError(
            "--tasks=links is about the edges that the run did not see, of its own "
            f"graph. Received: --dataset={config.dataset}"
        )
    seen, positive, negative = run.held_out()
    embeddings = embed(config, run, seen)
    queries, edges = np.concatenate([positive, negative]), len(positive)
    known = _known_pairs(seen, queries, config.seed)
    by_cosine = link_prediction.cosines(embeddings, queries)
    by_product = link_prediction.hadamard_scores(
        embeddings, known, queries, config.seed
    )
    found: Figures = {"held_out_edges": edges}
    for name, values in (("", by_cosine), ("_hadamard", by_product)):
        area, precision = link_prediction.auc_and_ap(values[:edges], values[edges:])
        found |= {f"link_auc{name}": area, f"link_ap{name}": precision}
    log.info("links: AUC %(link_auc).4f, AP %(link_ap).4f", found)
    return found


def _known_pairs(seen: Graph, asked: np.ndarray, seed: int):
    """Edges and pairs without one to learn from; none of them is asked for."""
    edges = undirected(seen.edges)
    generator = np.random.default_rng((seed, 2))
    edges = generator.permutation(edges)[:KNOWN_EDGES]
    hidden = np.concatenate([seen.edges, asked, asked[:, ::-1]])
    whole = Graph.from_edges(seen.features, hidden)
    return edges, non_edges(whole, len(edges), (seed, 3))


def labels_of(graph: Graph) -> np.ndarray:
    """Its labels, int32 [nodes], -1 for none.

    Raises:
        UsageError: when there are not enough to judge by.
    """
    labels = np.full(graph.num_nodes, -1) if graph.labels is None else graph.labels
    count, classes = np.sum(labels >= 0), len(np.unique(labels[labels >= 0]))
    if count < FEWEST_NODES or classes < 2:
        raise UsageError(
            f"judging nodes by their classes needs labels of {FEWEST_NODES} nodes and "
            f"two classes; --tasks=links needs none. Received: {count} labels of "
            f"{classes} classes"
        )
    return labels


TASKS: dict[str, Task] = {
    "classification": classify,
    "similarity": search,
    "clustering": cluster,
    "links": predict_links,
}
