"""Write one HTML file that shows a run: whether it learns, what it takes for alike.

    python -m ressl_tf.report --workdir=runs/ressl-shapes-resnet18-seed0
    python -m ressl_tf.report --workdir=runs/a,runs/b,runs/c --output=compare.html

The file opens by double-click, without network.
"""

import sys

from ressl_tf.config.report_config import ReportConfig
from ressl_tf.runtime import command


def main(config: ReportConfig) -> dict:
    """Write the report of what the flags name: runs on images or on graphs, a sweep."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate.report import written_report

    return written_report.write(config)


if __name__ == "__main__":
    sys.exit(command.run(main, ReportConfig, __doc__))
