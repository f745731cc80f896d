"""Flags of `python -m ressl_tf.verify`."""

import dataclasses

from ressl_tf.config import data_flags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class VerifyConfig:
    """Which run is verified, and where its data are now.

    Raises:
        UsageError: no run is named.
    """

    workdir: str = option(
        "", "Folder of the run to verify.", group="run", path=True, remote=True
    )
    dataset: str = option(
        "",
        "Its data, where they have moved: folder:/path, list:/path.csv, ... Empty: "
        "where they were.",
        group="data",
        path=data_flags.PATHS,
        remote=True,
    )
    data_dir: str = data_flags.data_dir("that of the run")

    def __post_init__(self):
        check(self)
        if not self.workdir:
            raise UsageError("verify needs a run: --workdir=RUN")
