"""RGRL: relational self-supervised learning on graphs (Lee et al., CIKM 2022)."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.graphs import graph_views
from ressl_tf.graphs.diffusion import nearest_nodes
from ressl_tf.graphs.gcn import GCN
from ressl_tf.graphs.graph import Graph
from ressl_tf.losses import divergence, entropy, logits
from ressl_tf.methods.base import SSLModel
from ressl_tf.models import heads
from ressl_tf.runtime.errors import UsageError

SPARSE = 0.1  # share of features that are not 0 below which sparse products are faster


@keras.saving.register_keras_serializable(package="ressl_tf")
class RGRL(SSLModel):
    """Nodes keep the relations, to anchors and to near nodes, that their teacher sees.

    A batch is the whole graph, a step an epoch. As a `keras.Model` it maps
    {"features", "edges"}, `Graph.inputs`, to embeddings [nodes, d] in inference mode.

    Args:
        num_features: length of a node's features.
        gcn_layers: widths of the GCN's layers; the last is the length of an embedding.
        predictor_dim: hidden width of the predictor; 0 for that of the first layer.
        graph_sample: anchors, drawn anew in each step.
        graph_topk: near nodes of a node, itself among them.
        drop_features: chance of a feature to be 0 for all nodes, in each view.
        drop_edges: chance of a directed edge to be missing, in each view.
        student_temp: temperature of the student's relations.
        temp_t: of the teacher's relation to the anchors.
        temp_t_diff: of the teacher's relation to the near nodes.
        anchor_alpha: anchors are drawn by min(1, alpha^log(degree + 1) + beta).
        anchor_beta: see `anchor_alpha`.
        local_weight: of the relation to near nodes.
        ppr_exact_max_nodes: see `graphs.diffusion.nearest_nodes`.
        bn_frozen_after_first_eval: as the official run does by leaving its model in
            inference mode after the first epoch: from then on batch normalisation
            works on the statistics of that one.
        **kwargs: of `SSLModel`.

    Example:
        graph = ressl_tf.Graph.from_npz("cora.npz")
        model = ressl_tf.RGRL(graph.num_features)
        model.compile(ressl_tf.AdamW(0.001, weight_decay=1e-5))
        model.fit(graph, epochs=400, verbose=0)
        embeddings = model(graph.inputs)  # [nodes, 128]
    """

    options = (
        *SSLModel.options,
        "gcn_layers",
        "predictor_dim",
        "graph_sample",
        "graph_topk",
        "drop_features",
        "drop_edges",
        "student_temp",
        "temp_t",
        "temp_t_diff",
        "anchor_alpha",
        "anchor_beta",
        "local_weight",
        "ppr_exact_max_nodes",
        "bn_frozen_after_first_eval",
    )
    online_views = target_views = ("first", "second")
    loss_names = ("global", "local")
    signal_names = ("teacher_entropy", "student_entropy")
    target_moves_last = True
    teacher_temp_flag = "temp_t"

    def __init__(
        self,
        num_features: int,
        *,
        gcn_layers: Sequence[int] = (256, 128),
        predictor_dim: int = 0,
        graph_sample: int = 128,
        graph_topk: int = 2,
        drop_features: Sequence[float] = (0.3, 0.4),
        drop_edges: Sequence[float] = (0.2, 0.4),
        student_temp: float = 0.1,
        temp_t: float = 0.01,
        temp_t_diff: float = 1.0,
        anchor_alpha: float = 0.9,
        anchor_beta: float = 0.1,
        local_weight: float = 1.0,
        ppr_exact_max_nodes: int = 5000,
        bn_frozen_after_first_eval: bool = False,
        **kwargs,
    ):
        super().__init__(GCN(num_features, gcn_layers, name="online"), **kwargs)
        self.gcn_layers, self.predictor_dim = self.online.widths, predictor_dim
        self.graph_sample, self.graph_topk = graph_sample, graph_topk
        self.drop_features, self.drop_edges = tuple(drop_features), tuple(drop_edges)
        self.student_temp, self.temp_t = student_temp, temp_t
        self.temp_t_diff, self.local_weight = temp_t_diff, local_weight
        self.anchor_alpha, self.anchor_beta = anchor_alpha, anchor_beta
        self.ppr_exact_max_nodes = ppr_exact_max_nodes
        self.bn_frozen_after_first_eval = bn_frozen_after_first_eval
        self.predictor = heads.prelu_predictor(
            self.gcn_layers[-1], predictor_dim or self.gcn_layers[0]
        )
        self.supports_jit = False  # XLA has no sparse products

    @property
    def relation_size(self) -> int:
        return self.graph_sample

    def call(self, inputs, training=False):
        """Embeddings of the nodes, [nodes, d]."""
        return self.online(inputs, training=training)

    def batches(self, graph: Graph) -> tf.data.Dataset:
        """The graph and the near nodes of each node as a batch, without end.

        Raises:
            UsageError: the graph has other features, or fewer nodes than are drawn.
        """
        if graph.num_features != self.online.num_features:
            raise UsageError(
                f"the model takes {self.online.num_features} features a node. "
                f"Received: a graph with {graph.num_features}"
            )
        if self.graph_sample > graph.num_nodes:
            raise UsageError(
                "--graph_sample must be at most the number of nodes, "
                f"{graph.num_nodes}. Received: {self.graph_sample}"
            )
        near = nearest_nodes(
            graph.edges, graph.num_nodes, self.graph_topk, self.ppr_exact_max_nodes
        )
        features = tf.constant(graph.features)
        if np.count_nonzero(graph.features) < SPARSE * graph.features.size:
            features = tf.sparse.from_dense(features)
        batch = {"features": features, "edges": graph.edges, "near": near}
        return tf.data.Dataset.from_tensors(batch).repeat()

    def fit(self, x=None, *args, **kwargs):
        """Keras's, of a `Graph`, whole in each of the `epochs`, or of `batches`."""
        if isinstance(x, Graph):
            x = self.batches(x)
            kwargs = {"steps_per_epoch": 1, "shuffle": False, **kwargs}
        return super().fit(x, *args, **kwargs)

    def derive_views(self, data, seed):
        graph, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        edges = tf.cast(graph["edges"], tf.int64)
        *seeds, anchor_seed = tf.unstack(
            tf.random.experimental.stateless_split(seed, 5)
        )
        views = {}
        for index, view in enumerate(self.online_views):
            features = graph_views.mask_features(
                graph["features"], self.drop_features[index], seeds[2 * index]
            )
            kept = graph_views.drop_edges(
                edges, self.drop_edges[index], seeds[2 * index + 1]
            )
            views[view] = {"features": features, "edges": kept}
        source, nodes = edges[:, 0], tf.shape(graph["near"])[0]
        degrees = tf.math.unsorted_segment_sum(tf.ones_like(source), source, nodes)
        weights = graph_views.anchor_weights(
            degrees, self.anchor_alpha, self.anchor_beta
        )
        anchors = graph_views.draw_nodes(weights, self.graph_sample, anchor_seed)
        return {
            **views,
            "anchors": anchors,  # [sample]
            "near": graph["near"],  # [nodes, k]
            "linked": degrees > 0,  # [nodes]
        }

    def forward(self, network, view):
        if not self.bn_frozen_after_first_eval:
            return super().forward(network, view)
        return tf.cond(
            self.step < 1,
            lambda: network(view, training=True),
            lambda: network(view, training=False),
        )

    def loss_terms(self, online, target, step):
        views, entropies = step.views, []
        terms = {"global": 0.0, "local": 0.0}
        for student, teacher in (("first", "second"), ("second", "first")):
            z, h = online[student], target[teacher]  # [nodes, d]
            anchors = tf.gather(h, views["anchors"])  # [sample, d]
            seen = logits(h, anchors, self.temp_t)  # [nodes, sample]
            learned = logits(z, anchors, self.student_temp)
            terms["global"] += divergence(seen, learned)
            entropies.append((entropy(seen), entropy(learned)))
            near = tf.gather(h, views["near"])  # [nodes, k, d]
            seen = relation_to_own(h, near, self.temp_t_diff)  # [nodes, k]
            learned = relation_to_own(z, near, self.student_temp)
            local = divergence(seen, learned, views["linked"])
            terms["local"] += self.local_weight * local
        signals = tf.unstack(tf.reduce_mean(entropies, axis=0))
        return terms, dict(zip(self.signal_names, signals, strict=True))

    def get_config(self):
        return {**super().get_config(), "num_features": self.online.num_features}


def relation_to_own(
    embeddings: tf.Tensor, others: tf.Tensor, temperature: float
) -> tf.Tensor:
    """`losses.logits` where each embedding has others of its own.

    Args:
        embeddings: [nodes, dim], unit length.
        others: [nodes, k, dim], unit length.
        temperature: divides the cosine similarities.

    Returns:
        Logits [nodes, k].
    """
    return tf.linalg.matvec(others, embeddings) / temperature
