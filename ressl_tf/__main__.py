"""`python -m ressl_tf COMMAND` is `ressl-tf COMMAND`."""

import sys

from ressl_tf.runtime import console

if __name__ == "__main__":
    sys.exit(console.main())
