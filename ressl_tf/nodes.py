"""Evaluate a trained run on a graph by its nodes and print the result as a JSON line.

    python -m ressl_tf.nodes --workdir=runs/cora
    python -m ressl_tf.nodes --workdir=runs/cora --tasks=similarity,clustering

Tasks are classification, similarity search, clustering and link prediction.
"""

import sys

from ressl_tf.graphs.node_config import NodeConfig
from ressl_tf.runtime import command


def main(config: NodeConfig) -> dict:
    """Do the tasks that the flags ask for."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.graphs import node_evaluation

    return node_evaluation.evaluate(config)


if __name__ == "__main__":
    sys.exit(command.run(main, NodeConfig, __doc__))
