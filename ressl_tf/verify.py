"""Train the first steps of a run again and say whether the weights agree.

    python -m ressl_tf.verify --workdir=RUN

The status is 1 where they do not; the line on stderr then names what differs: versions,
processor, kernels, threads, data, flags.
"""

import sys

from ressl_tf.config.verify_config import VerifyConfig
from ressl_tf.runtime import command


def main(config: VerifyConfig) -> dict:
    """Train some steps in a temporary folder."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.pretraining import verification

    return verification.verify(config)


if __name__ == "__main__":
    sys.exit(command.run(main, VerifyConfig, __doc__))
