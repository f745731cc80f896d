"""The model card of an export of a run on a graph."""

from collections.abc import Mapping
from typing import Any

from ressl_tf.graphs.trained import GraphRun
from ressl_tf.runtime import flags
from ressl_tf.saving import model_card

LOAD = """\
```python
import tensorflow as tf

model = tf.saved_model.load("{name}")
made = model.serve(features, edges)  # float32 [n, {num_features}], int64 [e, 2]
embeddings = made["embeddings"]  # float32 [n, {length}]
```

Of any number of nodes and edges. An edge is (source, target); an undirected one stands
there in both directions, none twice, none from a node to itself (the network adds each
node to its own neighbours). `model.train(features, edges)` is the forward pass in
training mode: gradients reach `model.trainable_variables`, and the running statistics
of batch normalisation move. TensorFlow Serving finds the signature `serving_default`.
"""
LIMITS = """\
- The columns of `features` mean what those of the training graph mean, in the same
  order and on the same scale; nothing warns when they do not.
- Edges in one direction alone, or given twice, change the embeddings without a warning.
- Embeddings carry what the training graph holds, its bias too; evaluate them on your
  own graph before you rely on them.
- The whole graph is in memory at a time.
"""


def text(run: GraphRun, export: Mapping[str, Any], name: str) -> str:
    """Write the card in Markdown.

    Args:
        run: the one that was exported.
        export: "num_features", "feature_dim", "parameters" and "weights_sha256".
        name: of the exported folder.
    """
    config = flags.as_written(run.config)
    data = {key: config[key] for key in ("dataset", "holdout_edges")}
    sizes = {"num_features": export["num_features"], "length": export["feature_dim"]}
    return model_card.page(
        name,
        {
            "What it is": _summary(run, export),
            "Load it": LOAD.format(name=name, **sizes),
            "Data": model_card.table(data, ("of training", "value")),
            "Metrics": model_card.metrics(run.path),
            "Config": model_card.table(model_card.shown(config), ("flag", "value")),
            "Limits": LIMITS,
            "Versions": model_card.table(model_card.versions(), ("of", "version")),
            "Licence": "Not stated.",
        },
        model_card.head("graph-ml", "saved_model", config),
    )


def _summary(run: GraphRun, export: Mapping[str, Any]) -> str:
    widths = ", ".join(map(str, run.encoder.widths))
    return (
        f"An encoder of the nodes of a graph, a GCN of layers {widths}, "
        f"{export['parameters']:,} parameters, method {run.config.method}. It gives "
        f"`embeddings` [n, {export['feature_dim']}] (float32).\n\n"
        f"SHA-256 of its weights: `{export['weights_sha256']}`."
    )
