"""Export a trained run on a graph as a SavedModel for TensorFlow alone.

`tf.saved_model.load` gives an object with

- `serve(features, edges)` and `train(features, edges)`: {"embeddings": float32 [n, d]}
  of any graph whose nodes have as many features. `train` is the forward pass in
  training mode: batch normalisation takes the statistics of these nodes and moves its
  running ones.
- `variables`, `trainable_variables`, `non_trainable_variables`.

Features are float32 [n, f]; edges int64 or int32 [e, 2], (source, target), both
directions of every edge, none twice and none from a node to itself.
"""

import json
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.engine.checkpoint import sha256_of
from ressl_tf.engine.workdir import to_json
from ressl_tf.graphs import graph_card
from ressl_tf.graphs.gcn import GCN
from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.runtime import stored
from ressl_tf.runtime.atomic import replacing_folder
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving import saved_model
from ressl_tf.saving.exporter import check_output
from ressl_tf.saving.model_card import CARD


def export(config: ExportConfig) -> dict[str, Any]:
    """Export the encoder of a run on a graph, with a model card.

    Returns:
        The JSON line: a description of the model and the files.

    Raises:
        UsageError: flags are given that are for images, or the run has no checkpoint.
        RunError: the folder cannot be written.
    """
    check_output(config)
    _refuse_image_flags(config)
    run = open_graph_run(config.workdir)
    encoder = run.encoder
    description = {
        "format": "saved_model",
        "kind": saved_model.GRAPH,
        "outputs": {"embeddings": encoder.embedding_dim},
        "num_features": encoder.num_features,
        "feature_dim": encoder.embedding_dim,
        "parameters": encoder.count_params(),
        "weights_sha256": sha256_of([encoder]),
    }
    number = {stored.KEY: stored.FORMATS["SavedModel"]}
    metadata = {**number, **description, "config": to_json(run.config)}
    texts = {
        saved_model.METADATA: json.dumps(metadata, indent=1) + "\n",
        CARD: graph_card.text(run, description, config.path.name),
    }
    root = endpoints(encoder)
    signature = root.serve.get_concrete_function(*_specs(encoder, tf.int64))
    try:
        with replacing_folder(config.path) as temporary:
            tf.saved_model.save(root, str(temporary), {"serving_default": signature})
            for name, text in texts.items():
                (temporary / name).write_text(text)
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"cannot write {config.path}: {reason}") from None
    files = [path for path in config.path.rglob("*") if path.is_file()]
    return {
        "path": str(config.path),
        **description,
        "endpoints": ["serve", "train"],
        "signatures": ["serving_default"],
        "bytes": sum(path.stat().st_size for path in files),
        "model_card": str(config.path / CARD),
    }


def endpoints(encoder: GCN) -> tf.train.Checkpoint:
    """Make a plain object that holds the endpoints and the variables."""
    root = tf.train.Checkpoint()
    root.serve = _endpoint(encoder, training=False)
    root.train = _endpoint(encoder, training=True)
    variables = encoder.variables
    root.variables = [v.value for v in variables]
    root.trainable_variables = [v.value for v in variables if v.trainable]
    root.non_trainable_variables = [v.value for v in variables if not v.trainable]
    return root


def propagation(edges: tf.Tensor, nodes: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return what `graphs.gcn.Propagation` computes, with a gradient that can be saved.

    A SavedModel cannot hold the CSR matrices of that gradient. TensorFlow's gradient of
    CSR matrices needs their shape, which is unknown when graphs may have any size.
    """
    source, target = edges[:, 0], edges[:, 1]
    ones = tf.ones_like(source, tf.float32)
    scale = tf.math.rsqrt(tf.math.unsorted_segment_sum(ones, target, nodes) + 1.0)
    weights = tf.gather(scale, source) * tf.gather(scale, target)
    places = tf.stack([target, source], axis=1)
    matrix = tf.SparseTensor(places, weights, tf.stack([nodes, nodes]))
    loops = (scale**2)[:, None]
    return lambda values: tf.sparse.sparse_dense_matmul(matrix, values) + loops * values


def _endpoint(encoder: GCN, training: bool) -> Any:
    def endpoint(features, edges):
        nodes = tf.shape(features, out_type=tf.int64)[0]
        propagate = propagation(tf.cast(edges, tf.int64), nodes)
        return {"embeddings": encoder.embed(features, propagate, training)}

    traced = tf.function(endpoint, autograph=False)
    for dtype in (tf.int64, tf.int32):
        traced.get_concrete_function(*_specs(encoder, dtype))
    return traced


def _specs(encoder: GCN, dtype: tf.DType) -> tuple[tf.TensorSpec, tf.TensorSpec]:
    features = tf.TensorSpec([None, encoder.num_features], tf.float32, "features")
    return features, tf.TensorSpec([None, 2], dtype, "edges")


def _refuse_image_flags(config: ExportConfig) -> None:
    differs = {
        f"--format={config.format}": config.format != "saved_model",
        f"--outputs={','.join(config.outputs)}": config.outputs
        not in (("auto",), ("embeddings",)),
        f"--image_size={config.image_size}": config.image_size != 0,
    }
    if unused := [flag for flag, given in differs.items() if given]:
        raise UsageError(
            f"{config.workdir} holds a run on a graph, whose export is a SavedModel "
            f"that gives embeddings of nodes. Received: {' '.join(unused)}"
        )
