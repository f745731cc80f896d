"""Evaluate an encoder by its nearest neighbours and print the result as one JSON line.

    python -m ressl_tf.knn --workdir=runs/ressl-shapes-resnet18-seed0
    python -m ressl_tf.knn --model=exported --dataset=folder:/photos --knn_k=20,200

Each test image gets the class that its most similar training images vote for; nothing
is trained.
"""

import sys

from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.runtime import command


def main(config: KNNConfig) -> dict:
    """Classify the test images by their neighbours."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate import knn_evaluation

    return knn_evaluation.evaluate(config)


if __name__ == "__main__":
    sys.exit(command.run(main, KNNConfig, __doc__))
