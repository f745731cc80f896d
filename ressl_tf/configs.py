"""List the configs that come with the package, or copy one of them to edit.

    python -m ressl_tf.configs
    python -m ressl_tf.configs --copy=r50.flags
    python -m ressl_tf.configs --show=r50.flags

`--flagfile=r50.flags` finds a file of the working directory first, then one of these.
"""

import sys

from ressl_tf.config import flag_file_listing
from ressl_tf.config.listing_config import ConfigsConfig
from ressl_tf.runtime import command


def main(config: ConfigsConfig) -> dict:
    """List the configs, or do with one what the flags say."""
    return flag_file_listing.run(config)


if __name__ == "__main__":
    sys.exit(command.run(main, ConfigsConfig, __doc__, tensorflow=False))
