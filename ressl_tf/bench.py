"""Measure how fast the parts are, as ratios within one run, and print a JSON line.

    python -m ressl_tf.bench
    python -m ressl_tf.bench --part=views --peers=torchvision,opencv,kerascv
    python -m ressl_tf.bench --part=step --flagfile=configs/r18_cifar10.flags
    python -m ressl_tf.bench --part=growth --width=0.25 --picture=growth.png

What is compared takes turns, round after round: other work on the machine then hits all
alike. Trust the ratios; the images a second are of this machine, at this moment. It
takes the flags of ressl_tf.train for the network of step, pipeline and growth and the
data of pipeline.
"""

import sys

from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime import command


def main(config: BenchConfig) -> dict:
    """Measure the parts that the flags ask for."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.benchmarks import bench_report

    return bench_report.measure(config)


if __name__ == "__main__":
    sys.exit(command.run(main, BenchConfig, __doc__))
