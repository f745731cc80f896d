"""A trained run on a graph, from its workdir."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

import keras
import numpy as np

from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import Checkpoints, restore_network, step_of
from ressl_tf.graphs.gcn import GCN
from ressl_tf.graphs.graph import PREFIX, Graph, load_graph
from ressl_tf.graphs.link_split import hold_out_edges
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import learns_from, stored_config

CHECKPOINTS = "checkpoints"  # in the workdir


@dataclasses.dataclass(frozen=True)
class GraphRun:
    """The encoder of a run on a graph.

    Attributes:
        path: of the workdir.
        encoder: from {"features", "edges"} to an embedding of each node.
        config: of the run.
        step: that the encoder is of.
    """

    path: pathlib.Path
    encoder: GCN
    config: Config
    step: int

    def checkpoints(self) -> Iterator["GraphRun"]:
        """The run as it was at each checkpoint that is still there, oldest first."""
        for path in Checkpoints(self.path / CHECKPOINTS).paths():
            encoder = GCN.from_config(self.encoder.get_config())
            restore_network(path, "online", encoder)
            yield dataclasses.replace(self, encoder=encoder, step=step_of(path))

    def untrained(self, seed: int) -> "GraphRun":
        """The same with random weights."""
        keras.utils.set_random_seed(seed)
        encoder = GCN.from_config(self.encoder.get_config())
        return dataclasses.replace(self, encoder=encoder, step=0)

    def graph(self, dataset: str = "") -> Graph:
        """The graph of the run with all of its edges, or another.

        Raises:
            UsageError: when it cannot be read, or has other features.
        """
        dataset = dataset or self.config.dataset
        if not dataset.startswith(PREFIX):
            raise UsageError(
                f"{self.path} holds a run on a graph: --dataset must be "
                f"{PREFIX}/path/to/file.npz. Received: {dataset}"
            )
        graph = load_graph(dataset)
        if graph.num_features != self.encoder.num_features:
            raise UsageError(
                f"the run's nodes have {self.encoder.num_features} features. Received: "
                f"{dataset}, whose nodes have {graph.num_features}"
            )
        return graph

    def held_out(self) -> tuple[Graph, np.ndarray, np.ndarray]:
        """What the run saw of its graph, the edges it did not see, and pairs without.

        Raises:
            UsageError: when it saw all edges.
        """
        if not self.config.holdout_edges:
            raise UsageError(
                "--tasks=links asks for edges that the run did not see; train with "
                f"--holdout_edges=0.1. Received: {self.path}, which saw all"
            )
        config = self.config
        return hold_out_edges(self.graph(), config.holdout_edges, config.seed)

    def embed(self, graph: Graph) -> np.ndarray:
        """An embedding of each node in inference mode, float32 [nodes, d]."""
        return self.encoder(graph.inputs, training=False).numpy()


def open_graph_run(path: str) -> GraphRun:
    """Open the workdir of a run on a graph; the graph itself need not be there.

    Raises:
        UsageError: when it is no run on a graph, or has no checkpoint yet.
        RunError: when none can be read.
    """
    place = pathlib.Path(path)
    if (kind := learns_from(path)) != "graphs":
        found = f"a run on {kind}" if kind else "no run"
        raise UsageError(
            f"--workdir must be that of a run on a graph. Received: {path}, {found}"
        )
    config = stored_config(place)
    folder = place / CHECKPOINTS
    encoder = GCN(_count_features(folder), config.gcn_layers, name="online")
    restored = restore_network(folder, "online", encoder)
    if restored is None:
        raise UsageError(
            f"{place} holds no checkpoint: its run has not saved one yet; "
            "run its command again first"
        )
    return GraphRun(place, encoder, config, step_of(restored))


def _count_features(folder: pathlib.Path) -> int:
    """By the first kernel in the newest checkpoint that can be read; 1 without one."""
    for path in reversed(Checkpoints(folder).paths()):
        # Of damage, `restore_network` tells.
        with contextlib.suppress(Exception), open(path, "rb") as file:
            return len(np.load(file, allow_pickle=False)["online/000"])
    return 1
