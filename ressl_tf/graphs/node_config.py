"""The flags of `ressl_tf.linear` that are for runs on graphs alone."""

import dataclasses

from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class NodeFlags:
    """How the nodes of a graph are judged; docs/graphs.md says what each task is."""

    tasks: tuple = option(
        ("classification",),
        "What the embeddings of the nodes are judged by, one task or several; links "
        "needs a run that was trained with --holdout_edges.",
        group="graphs",
        choices=("classification", "similarity", "clustering", "links"),
        any_length=True,
    )
    features: str = option(
        "embeddings",
        "What is judged: embeddings of the encoder, or raw, the features that the "
        "nodes came with: a floor that knows no edge.",
        choices=("embeddings", "raw"),
    )
    checkpoint: str = option(
        "last",
        "Of which epoch the encoder is: last, or validation: of the checkpoints that "
        "with the best mean accuracy on the validation nodes, as the official code of "
        "rgrl chooses; that uses labels. Train with a high --keep_checkpoints.",
        choices=("last", "validation"),
    )
    splits: int = option(
        20,
        "Random splits of the nodes into 10 % to learn from, 10 % for validation and "
        "80 % to classify. Too few: their mean is chance.",
        low=1,
        high=10_000,
    )
    probe_steps: int = option(
        100,
        "Steps of Adam, each on all training nodes, of --solver=sgd. Too few: small "
        "embeddings are not fitted; too many: few nodes are overfitted.",
        low=1,
        high=1_000_000,
    )
    probe_learning_rate: float = option(
        0.01,
        "Of that Adam. Too high: the loss swings; too low: 100 steps lead nowhere.",
        low=1e-9,
        high=1000.0,
    )
