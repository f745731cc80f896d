"""Files of flags: those of the user first, then those that come with the package."""

import os
import pathlib

from absl import flags as absl_flags

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.nearest_names import nearest

PACKAGE = pathlib.Path(__file__).parents[1]
INSTALLED = PACKAGE / "config" / "flagfiles"  # where a wheel has them
IN_CHECKOUT = PACKAGE.parent / "configs"


class FlagValues(absl_flags.FlagValues):
    """Flags that look for the files of `--flagfile` in the package too."""

    def _get_flag_file_lines(self, filename, parsed_file_stack=None):
        return super()._get_flag_file_lines(find(filename), parsed_file_stack)


def folder() -> pathlib.Path:
    """Return the folder of the files that come with the package."""
    return INSTALLED if INSTALLED.is_dir() else IN_CHECKOUT


def names() -> list[str]:
    """Return the names of the files that come with the package, sorted."""
    return sorted(path.name for path in folder().glob("*.flags"))


def find(written: str) -> str:
    """Return the path of what `--flagfile` names.

    A path from the working directory comes first. `r50.flags` and `configs/r50.flags`
    are then names of files that come with the package.

    Raises:
        UsageError: there is neither; gives the nearest names.
    """
    if not written or os.path.exists(written):
        return written
    parts = pathlib.PurePath(written).parts
    if parts[:-1] in ((), ("configs",)) and parts[-1] in names():
        return str(folder() / parts[-1])
    raise UsageError(
        "--flagfile is a file, or one of those that `ressl-tf configs` lists"
        f"{nearest(os.path.basename(written), names())}. Received: {written}"
    )


def own(name: str) -> pathlib.Path:
    """Return the path of a file that comes with the package.

    Args:
        name: with or without its folder and its ending: `r50`, `configs/r50.flags`.

    Raises:
        UsageError: there is none of this name; gives the nearest ones.
    """
    wanted = os.path.basename(name).removesuffix(".flags") + ".flags"
    if wanted in names():
        return folder() / wanted
    raise UsageError(
        f"no config of this name comes with the package{nearest(wanted, names())}. "
        f"Received: {name}"
    )
