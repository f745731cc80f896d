"""Export an encoder, or a fine-tuned classifier, for use without this package.

    python -m ressl_tf.export --workdir=runs/my-run --output=exported
    python -m ressl_tf.export --workdir=runs/my-run --output=my.keras --format=keras

It takes raw images (RGB on 0..255) and gives features. The model card with it says
what it is and how it is loaded.
"""

import sys

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.runtime import command


def main(config: ExportConfig) -> dict:
    """Export what the flags name, a run on images or on a graph."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.saving import exporter
    from ressl_tf.saving.pretrained import learns_from

    if learns_from(config.workdir) == "graphs":
        from ressl_tf.graphs import graph_export

        return graph_export.export(config)
    return exporter.export(config)


if __name__ == "__main__":
    sys.exit(command.run(main, ExportConfig, __doc__))
