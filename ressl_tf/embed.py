"""Write the features of all images of a set to a file.

    python -m ressl_tf.embed --workdir=runs/my-run --dataset=folder:/photos \
        --output=photos.npz

One row an image, in the order of the set, with its path and label. The features go to
the disk as they are made, so memory does not grow with the set. The same command goes
on where it was stopped. ressl_tf.search looks for images in the file.
"""

import sys

from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.runtime import command


def main(config: EmbedConfig) -> dict:
    """Embed the images that the flags name."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate.embeddings import embed_run

    return embed_run.embed(config)


if __name__ == "__main__":
    sys.exit(command.run(main, EmbedConfig, __doc__))
