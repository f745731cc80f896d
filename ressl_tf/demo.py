"""Pretrain on an embedded set of shapes: some minutes on two CPU cores, no download.

    python -m ressl_tf.demo
    python -m ressl_tf.demo --max_steps=20 --workdir=runs/try

It is ressl_tf.train with --flagfile=demo.flags --report, and takes its flags.
"""

import sys

from ressl_tf.config import Config
from ressl_tf.runtime import command


def main(config: Config) -> dict | None:
    """Pretrain as the demo does, unless flags say otherwise."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.pretraining import pretrain

    return pretrain.describe(config) if config.dry_run else pretrain.pretrain(config)


if __name__ == "__main__":
    arguments = ["--flagfile=demo.flags", "--report", *sys.argv[1:]]
    sys.exit(command.run(main, Config, __doc__, arguments))
