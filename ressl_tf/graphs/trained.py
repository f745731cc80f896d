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
from ressl_tf.runtime import archives
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import learns_from, stored_config

CHECKPOINTS = "checkpoints"  # in the workdir
FIRST_KERNEL = "online/000"  # in a checkpoint


@dataclasses.dataclass(frozen=True)
class GraphRun:
    """A trained run on a graph and its encoder.

    Attributes:
        path: of the workdir.
        encoder: maps {"features", "edges"} to an embedding of each node.
        config: of the run.
        step: the step after which the encoder was saved; 0 for random weights.
    """

    path: pathlib.Path
    encoder: GCN
    config: Config
    step: int

    def checkpoints(self) -> Iterator["GraphRun"]:
        """Restore the run at each checkpoint that was kept, oldest first."""
        for path in Checkpoints(self.path / CHECKPOINTS).paths():
            encoder = GCN.from_config(self.encoder.get_config())
            restore_network(path, "online", encoder)
            yield dataclasses.replace(self, encoder=encoder, step=step_of(path))

    def untrained(self, seed: int) -> "GraphRun":
        """Return the same run with random weights."""
        keras.utils.set_random_seed(seed)
        encoder = GCN.from_config(self.encoder.get_config())
        return dataclasses.replace(self, encoder=encoder, step=0)

    def graph(self, dataset: str = "") -> Graph:
        """Load the graph of the run with all of its edges, or another.

        Args:
            dataset: "graph:/path/to/file.npz"; empty for that of the run.

        Raises:
            UsageError: it cannot be read, or its nodes have other features.
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
        """Return the training graph, the edges held out of it, and as many non-edges.

        Raises:
            UsageError: no edges were held out.
        """
        if not self.config.holdout_edges:
            raise UsageError(
                "--tasks=links needs edges that were held out of training; train with "
                f"--holdout_edges=0.1. Received: {self.path}, trained on all edges"
            )
        config = self.config
        return hold_out_edges(self.graph(), config.holdout_edges, config.seed)

    def embed(self, graph: Graph) -> np.ndarray:
        """Embed each node in inference mode, float32 [nodes, d]."""
        return self.encoder(graph.inputs, training=False).numpy()


def open_graph_run(path: str) -> GraphRun:
    """Open the workdir of a run on a graph; the graph itself is not read.

    Raises:
        UsageError: it holds no run on a graph, or no checkpoint yet.
        RunError: no checkpoint can be read.
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
    """Count rows of the first kernel in the newest readable checkpoint; 1 without."""
    for path in reversed(Checkpoints(folder).paths()):
        # `restore_network` reports damage.
        with contextlib.suppress(Exception):
            return len(archives.read_arrays(path, [FIRST_KERNEL])[FIRST_KERNEL])
    return 1
