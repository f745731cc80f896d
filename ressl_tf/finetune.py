"""Fine-tunes an encoder on labels and prints the result as one JSON line.

    python -m ressl_tf.finetune --workdir=RUN --label_fraction=0.01
    python -m ressl_tf.finetune --model=exported --dataset=folder:/photos

Leaves a classifier that ressl_tf.export takes. The same command again goes on where it
stopped.
"""

import sys

from ressl_tf import command
from ressl_tf.judging.config import FinetuneConfig


def main(config: FinetuneConfig) -> dict:
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.judging import finetune

    return finetune.finetune(config)


if __name__ == "__main__":
    sys.exit(command.run(main, FinetuneConfig, __doc__))
