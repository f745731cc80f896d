"""RGRL: relational self-supervised learning on graphs (Lee et al., CIKM 2022).

With two views of the graph, z_v the student's embeddings of its nodes in view v, h_v
the teacher's, A anchors sampled anew in each step, and N_i the near nodes of node i:

    glob_1 = mean_i KL(softmax(h_2 h_2[A]^T / teacher_temp)_i
                       || softmax(z_1 h_2[A]^T / student_temp)_i)
    loc_1  = mean_i KL(softmax(h_2[N_i] h_2[i] / local_teacher_temp)
                       || softmax(h_2[N_i] z_1[i] / student_temp))
    loss   = glob_1 + glob_2 + local_weight (loc_1 + loc_2)

glob_2 and loc_2 are the same with the views swapped; loc leaves out nodes of degree 0.
The moving average is updated after the optimizer's step.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.graphs import graph_views
from ressl_tf.graphs.diffusion import nearest_nodes
from ressl_tf.graphs.gcn import GCN
from ressl_tf.graphs.graph import Graph, count_features
from ressl_tf.losses import divergence, entropy, logits
from ressl_tf.methods.arguments import inputs_of
from ressl_tf.methods.base import SSLModel
from ressl_tf.models import heads
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError

FORMER = {  # arguments of version 0.1.0
    "temp_t": "teacher_temp",
    "temp_t_diff": "local_teacher_temp",
}
SPARSE = 0.1  # below this fraction of features that are not 0, sparse is faster


@keras.saving.register_keras_serializable(package="ressl_tf")
class RGRL(SSLModel):
    """A student that learns the relations between nodes from its teacher.

    A batch is the whole graph, so that a step is an epoch. As a `keras.Model` it maps
    {"features", "edges"}, `Graph.inputs`, to embeddings [nodes, d] in inference mode.

    Args:
        num_features: length of a node's features.
        gcn_layers: widths of the GCN's layers; the last is the length of an embedding.
        predictor_dim: hidden width of the predictor; 0 for that of the first layer.
        graph_sample: number of anchors, sampled anew in each step.
        graph_topk: number of near nodes of a node, itself among them.
        drop_features: probability that a feature is 0 for all nodes, in each view.
        drop_edges: probability that a directed edge is dropped, in each view.
        student_temp: temperature of the student's relations.
        teacher_temp: temperature of the teacher's relation to the anchors.
        local_teacher_temp: temperature of the teacher's relation to the near nodes.
        anchor_alpha: a node's weight as an anchor is min(1, alpha^log(degree + 1) +
            beta).
        anchor_beta: see `anchor_alpha`.
        local_weight: weight of the loss over near nodes.
        ppr_exact_max_nodes: see `graphs.diffusion.nearest_nodes`.
        bn_frozen_after_first_eval: whether batch normalisation uses the statistics of
            the first epoch from then on; the official run does, by leaving its model
            in inference mode.
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
        "teacher_temp",
        "local_teacher_temp",
        "anchor_alpha",
        "anchor_beta",
        "local_weight",
        "ppr_exact_max_nodes",
        "bn_frozen_after_first_eval",
    )
    online_views = target_views = ("first", "second")
    loss_names = ("global", "local")
    signal_names = ("teacher_entropy", "student_entropy")
    updates_target_last = True

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
        teacher_temp: float = 0.01,
        local_teacher_temp: float = 1.0,
        anchor_alpha: float = 0.9,
        anchor_beta: float = 0.1,
        local_weight: float = 1.0,
        ppr_exact_max_nodes: int = 5000,
        bn_frozen_after_first_eval: bool = False,
        **kwargs,
    ):
        former = FORMER.keys() & kwargs.keys()
        if former:
            given = flags.renamed_arguments(kwargs, FORMER)
            teacher_temp = given.pop("teacher_temp", teacher_temp)
            local_teacher_temp = given.pop("local_teacher_temp", local_teacher_temp)
            kwargs = given
        super().__init__(GCN(num_features, gcn_layers, name="online"), **kwargs)
        self.gcn_layers, self.predictor_dim = self.online.widths, predictor_dim
        self.graph_sample, self.graph_topk = graph_sample, graph_topk
        self.drop_features, self.drop_edges = tuple(drop_features), tuple(drop_edges)
        self.student_temp, self.teacher_temp = student_temp, teacher_temp
        self.local_teacher_temp = local_teacher_temp
        self.local_weight = local_weight
        self.anchor_alpha, self.anchor_beta = anchor_alpha, anchor_beta
        self.ppr_exact_max_nodes = ppr_exact_max_nodes
        self.bn_frozen_after_first_eval = bn_frozen_after_first_eval
        self.predictor = heads.prelu_predictor(
            self.gcn_layers[-1], predictor_dim or self.gcn_layers[0]
        )
        self.supports_jit = False  # XLA has no sparse products

    @classmethod
    def parts_from(cls, config):
        """Read how many features the nodes of the run's graph have."""
        return {"num_features": count_features(config.dataset)}

    @property
    def relation_size(self) -> int:
        """The number of anchors in the teacher's relation."""
        return self.graph_sample

    def call(self, inputs, training=False):
        """Return embeddings of the nodes, [nodes, d]."""
        return self.online(inputs, training=training)

    def batches(self, graph: Graph) -> tf.data.Dataset:
        """Make a data set that repeats one batch: the graph and its near nodes.

        Raises:
            UsageError: the graph has other features, or fewer nodes than anchors.
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
        """Train on a `Graph`, one step in each of `epochs`, or on `batches`.

        Raises:
            UsageError: a part of the graph's nodes is asked for as held out.
        """
        if kwargs.get("validation_split"):
            raise UsageError(
                "the nodes of a graph are learned together: give another Graph as "
                "validation_data, or hold edges out (docs/graphs.md). Received: "
                f"validation_split={kwargs['validation_split']}"
            )
        if isinstance(kwargs.get("validation_data"), Graph):
            held_out = self.batches(kwargs["validation_data"])
            kwargs = {**kwargs, "validation_data": held_out.take(1)}
        if isinstance(x, Graph):
            x = self.batches(x)
            kwargs = {"steps_per_epoch": 1, "shuffle": False, **kwargs}
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """Measure the loss on a `Graph`, or on `batches`; see `methods.validation`."""
        x = self.batches(x).take(1) if isinstance(x, Graph) else x
        return super().evaluate(x, *args, **kwargs)

    def derive_views(self, data, seed):
        """Sample both views of the graph, and the anchors."""
        graph = inputs_of(data)
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
        anchors = graph_views.sample_nodes(weights, self.graph_sample, anchor_seed)
        return {
            **views,
            "anchors": anchors,  # [sample]
            "near": graph["near"],  # [nodes, k]
            "linked": degrees > 0,  # [nodes]
        }

    def forward(self, network, view, training=True):
        """Apply a network to a view; see `bn_frozen_after_first_eval`."""
        if not (training and self.bn_frozen_after_first_eval):
            return super().forward(network, view, training)
        return tf.cond(
            self.step < 1,
            lambda: network(view, training=True),
            lambda: network(view, training=False),
        )

    def loss_terms(self, online, target, step):
        """Return the relations to anchors and to near nodes, and their entropies."""
        views, entropies = step.views, []
        terms = {"global": 0.0, "local": 0.0}
        for student, teacher in (("first", "second"), ("second", "first")):
            z, h = online[student], target[teacher]  # [nodes, d]
            anchors = tf.gather(h, views["anchors"])  # [sample, d]
            teacher_logits = logits(h, anchors, self.teacher_temp)  # [nodes, sample]
            student_logits = logits(z, anchors, self.student_temp)
            terms["global"] += divergence(teacher_logits, student_logits)
            entropies.append((entropy(teacher_logits), entropy(student_logits)))
            near = tf.gather(h, views["near"])  # [nodes, k, d]
            teacher_logits = relation_to_near(
                h, near, self.local_teacher_temp
            )  # [nodes, k]
            student_logits = relation_to_near(z, near, self.student_temp)
            local = divergence(teacher_logits, student_logits, views["linked"])
            terms["local"] += self.local_weight * local
        signals = tf.unstack(tf.reduce_mean(entropies, axis=0))
        return terms, dict(zip(self.signal_names, signals, strict=True))

    def get_config(self):
        """Return the constructor's arguments, as Keras saves them."""
        return {**super().get_config(), "num_features": self.online.num_features}


def relation_to_near(
    embeddings: tf.Tensor, near: tf.Tensor, temperature: float
) -> tf.Tensor:
    """Return the logits of each embedding's relation to its near nodes.

    Args:
        embeddings: [nodes, dim], unit length.
        near: [nodes, k, dim], unit length.
        temperature: divides the cosine similarities.

    Returns:
        Logits [nodes, k].
    """
    return tf.linalg.matvec(near, embeddings) / temperature
