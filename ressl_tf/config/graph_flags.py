"""The flags of learning on a graph; the defaults are those of Cora."""

import dataclasses
from typing import TYPE_CHECKING

from ressl_tf.config.method_table import METHODS
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

if TYPE_CHECKING:
    from ressl_tf.config.pretrain_config import Config

ONE_WHOLE_STEP = {  # flags that are for images, and their values for a graph
    "mixed_precision": ("none",),
    "jit_compile": ("auto", "off"),
    "gradient_accumulation": (1,),
}


@dataclasses.dataclass(frozen=True)
class GraphFlags:
    """What rgrl draws, relates and logs; the methods for images ignore it."""

    gcn_layers: tuple = option(
        (256, 128),
        "Widths of the GCN's layers; the last is the length of an embedding. Too many "
        "layers: all nodes of a neighbourhood become alike.",
        group="graph (rgrl)",
        low=1,
        high=65536,
        any_length=True,
    )
    graph_sample: int = option(
        128,
        "Anchors that all nodes are related to, drawn anew in each step. Too low: a "
        "coarse relation; too high: memory, nodes times this.",
        low=2,
        high=2**20,
    )
    anchor_alpha: float = option(
        0.9,
        "Base of the chance that a node is an anchor: min(1, alpha^log(degree + 1) + "
        "beta). 1: all alike; lower: rarely those of many edges, which are like "
        "everything.",
        low=0.001,
        high=1.0,
    )
    anchor_beta: float = option(
        0.1,
        "Constant in the chance that a node is an anchor. Too high: all nodes alike.",
        low=0.0,
        high=1.0,
    )
    graph_topk: int = option(
        2,
        "Near nodes, by PPR diffusion, that a node is related to, itself among them. "
        "Too high: nodes of other classes are drawn in.",
        low=1,
        high=1024,
    )
    ppr_exact_max_nodes: int = option(
        5000,
        "Largest number of nodes for which the diffusion is exact, in memory of nodes "
        "squared; above, it is approximated in memory of nodes and edges.",
        low=0,
    )
    drop_features: tuple = option(
        (0.3, 0.4),
        "Chance of a feature to be 0 for all nodes, in the first and the second view. "
        "Too low: the task is too easy; too high: nothing is left to tell nodes by.",
        low=0.0,
        high=0.99,
    )
    drop_edges: tuple = option(
        (0.2, 0.4),
        "Chance of a directed edge to be missing, in the first and the second view.",
        low=0.0,
        high=0.99,
    )
    local_teacher_temp: float = option(
        1.0,
        "Temperature of the teacher's relation to the near nodes. Too low: a node is "
        "near to itself alone.",
        low=0.001,
        high=10.0,
        former=("temp_t_diff",),
    )
    local_weight: float = option(
        1.0,
        "Weight of the relation to near nodes. 0: anchors alone.",
        low=0.0,
        high=1000.0,
    )
    bn_frozen_after_first_eval: bool = option(
        False,
        "Freeze batch normalisation from the second epoch on, as the official code "
        "does by leaving its model in inference mode.",
    )
    holdout_edges: float = option(
        0.0,
        "Fraction of the edges that the run does not see, for link prediction. Too "
        "high: the rest says little about the graph.",
        low=0.0,
        high=0.9,
    )
    log_every: int = option(
        20,
        "Epochs of rgrl between two rows of metrics (their mean) and checkpoints. Too "
        "low: writing takes longer than learning.",
        low=1,
        free=True,
    )


def check_graph(config: "Config") -> None:
    """Refuse flags that a run on a graph would not heed.

    Raises:
        UsageError: names the flag.
    """
    if METHODS[config.method].learns_from != "graphs":
        return
    if config.init_from:
        raise UsageError(
            f"--init_from is for encoders of images. Received: {config.init_from} "
            f"with --method={config.method}"
        )
    if config.resolved_strategy not in ("auto", "one"):
        raise UsageError(
            f"--method={config.method} takes the whole graph in each step, on one "
            f"device: --strategy=one. Received: {config.resolved_strategy}"
        )
    for flag, needed in ONE_WHOLE_STEP.items():
        if (value := getattr(config, flag)) not in needed:
            raise UsageError(
                f"--method={config.method} needs --{flag}={needed[0]} (its products "
                "are sparse, its step takes the whole graph). "
                f"Received: {value}"
            )
