"""Show what training will see: images, and the views drawn from them.

    python -m ressl_tf.preview --flagfile=configs/demo.flags --dataset=folder:/photos

It takes the flags of ressl_tf.train and uses those of data and views. Look at the sheet
before a long run: do the strong views still show what you want to be recognised?
"""

import sys

from ressl_tf.config.preview_config import PreviewConfig
from ressl_tf.runtime import command


def main(config: PreviewConfig) -> dict:
    """Draw the view sheet."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.pretraining import view_sheet

    return view_sheet.draw(config)


if __name__ == "__main__":
    sys.exit(command.run(main, PreviewConfig, __doc__))
