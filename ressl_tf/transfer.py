"""Evaluate an encoder on several sets of images, and write one table.

    python -m ressl_tf.transfer --workdir=RUN --dataset=folder:/cats --dataset=cifar10
    python -m ressl_tf.transfer --workdir=RUN --dataset=list:/a.csv --evaluations=svm

One JSON line a set, and a last one. A set that fails says why in its row, and the
others go on; the same command again tries it anew, and leaves what is done.
"""

import sys
from collections.abc import Iterator

from ressl_tf.config.transfer_config import TransferConfig
from ressl_tf.runtime import command


def main(config: TransferConfig) -> Iterator[dict]:
    """Evaluate on one set after the other."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate import transfer_run

    return transfer_run.transfer(config)


if __name__ == "__main__":
    sys.exit(command.run(main, TransferConfig, __doc__))
