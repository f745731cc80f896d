"""Search embedded images: nearest, near-duplicates, outliers, a sample to label.

    python -m ressl_tf.search --index=photos.npz --query=one.jpg --k=20
    python -m ressl_tf.search --index=photos.npz --duplicates=0.95 --output=found.png
    python -m ressl_tf.search --index=photos.npz --outliers=50
    python -m ressl_tf.search --index=photos.npz --diverse=500

The index is a file of ressl_tf.embed. What is found is printed as JSON lines; the last
line is a summary.
"""

import sys
from collections.abc import Iterator

from ressl_tf.config.search_config import SearchConfig
from ressl_tf.runtime import command


def main(config: SearchConfig) -> Iterator[dict]:
    """Search as the flags say."""
    # After parsing, as TensorFlow takes seconds to load.
    from ressl_tf.evaluate.embeddings import search_run

    return search_run.search(config)


if __name__ == "__main__":
    sys.exit(command.run(main, SearchConfig, __doc__))
