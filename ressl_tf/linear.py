"""Evaluate an encoder by a linear classifier and print the result as one JSON line.

    python -m ressl_tf.linear --workdir=RUN --flagfile=configs/linear_cifar.flags
    python -m ressl_tf.linear --workdir=RUN --solver=lbfgs

The encoder stays as it is. The same command again goes on where it stopped.
"""

import sys

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.runtime import command


def main(config: LinearConfig) -> dict:
    """Train a linear classifier on the frozen encoder."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate import linear_probe

    return linear_probe.evaluate(config)


if __name__ == "__main__":
    sys.exit(command.run(main, LinearConfig, __doc__))
