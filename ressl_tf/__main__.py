"""`python -m ressl_tf COMMAND` is `ressl-tf COMMAND`."""

import sys

from ressl_tf.runtime import console

sys.exit(console.main())
