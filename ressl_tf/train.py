"""Pretrain an encoder without labels and print the result as one JSON line.

    python -m ressl_tf.train --flagfile=configs/demo.flags
    python -m ressl_tf.train --flagfile=configs/demo.flags --dataset=folder:/photos

The same command again goes on where it stopped.
"""

import importlib
import sys

from ressl_tf.config import Config
from ressl_tf.runtime import command


def main(config: Config) -> dict | None:
    """Pretrain, or with --dry_run say what would run."""
    # After parsing, as TensorFlow takes seconds to load.
    runner = importlib.import_module(config.kind.runner)
    return runner.describe(config) if config.dry_run else runner.pretrain(config)


if __name__ == "__main__":
    sys.exit(command.run(main, Config, __doc__))
