"""Pretrains an encoder without labels and prints the result as one JSON line.

    python -m ressl_tf.train --flagfile=configs/demo.flags
    python -m ressl_tf.train --flagfile=configs/demo.flags --dataset=folder:/photos

The same command again goes on where it stopped.
"""

import sys

from ressl_tf.config import Config
from ressl_tf.runtime import command


def main(config: Config) -> dict | None:
    # After parsing, as TensorFlow takes seconds to load.
    if config.dry_run:
        from ressl_tf.pretraining import dry_run

        return dry_run.describe(config)
    from ressl_tf.pretraining import pretrain

    return pretrain.pretrain(config)


if __name__ == "__main__":
    sys.exit(command.run(main, Config, __doc__))
