"""The flags of `ressl-tf configs`."""

import dataclasses

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class ConfigsConfig:
    """What is done with the configs that come with the package.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    copy: str = option(
        "",
        "Config to write to --output, to edit: r50.flags. Empty: list all of them.",
        group="configs",
    )
    show: str = option("", "Config to print, whole. Empty: none.")
    output: str = option(
        "",
        "File that --copy writes. Empty: the config's own name, in the working "
        "directory. A file that is there stays.",
        path=True,
    )

    def __post_init__(self):
        check(self)
        if self.copy and self.show:
            raise UsageError(
                "give one of --copy and --show. Received: "
                f"--copy={self.copy} --show={self.show}"
            )
        if self.output and not self.copy:
            raise UsageError(f"--output is of --copy. Received: --output={self.output}")
