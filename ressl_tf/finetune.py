"""Fine-tune an encoder on labels and print the result as one JSON line.

    python -m ressl_tf.finetune --workdir=RUN --label_fraction=0.01
    python -m ressl_tf.finetune --model=exported --dataset=folder:/photos

Leaves a classifier that ressl_tf.export takes. The same command again goes on where it
stopped.
"""

import sys

from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.runtime import command


def main(config: FinetuneConfig) -> dict:
    """Fine-tune in the folder that the flags name."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate import fine_tuning

    return fine_tuning.finetune(config)


if __name__ == "__main__":
    sys.exit(command.run(main, FinetuneConfig, __doc__))
