"""Evaluate an encoder by linear SVMs, mean average precision, and print a JSON line.

    python -m ressl_tf.svm --workdir=RUN --dataset=list:/photos.csv --shots=1,8,64,0
    python -m ressl_tf.svm --workdir=RUN --dataset=voc/2007 \
        --train_split=train+validation --eval_split=test

For sets whose images show several classes, and for those of one class an image. The
encoder stays as it is; each class gets an SVM on few images, drawn several times, and
on all.
"""

import sys

from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.runtime import command


def main(config: SVMConfig) -> dict:
    """Fit SVMs on the features of the encoder."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate import svm_evaluation

    return svm_evaluation.evaluate(config)


if __name__ == "__main__":
    sys.exit(command.run(main, SVMConfig, __doc__))
