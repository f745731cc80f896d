"""Draw what an encoder has learned: its features, their neighbours, its curves.

    python -m ressl_tf.plot --workdir=runs/ressl-shapes-resnet18-seed0
    python -m ressl_tf.plot --model=encoder.keras --dataset=shapes --kind=neighbours

The pictures are PNG files; the JSON line says where.
"""

import sys

from ressl_tf.config.plot_config import PlotConfig
from ressl_tf.runtime import command


def main(config: PlotConfig) -> dict:
    """Draw the pictures that the flags ask for."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate.plots import pictures

    return pictures.draw(config)


if __name__ == "__main__":
    sys.exit(command.run(main, PlotConfig, __doc__))
