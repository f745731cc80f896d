"""Files of flags: those of the user first, then those that come with the package."""

import functools
import json
import os
import pathlib
import tempfile
from collections.abc import Mapping

from absl import flags as absl_flags

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.nearest_names import nearest

PACKAGE = pathlib.Path(__file__).parents[1]
LONGEST_NAME = 60  # of a flag, with its dashes; the longest that there is has 28
INSTALLED = PACKAGE / "config" / "flagfiles.json"  # name -> text, in a wheel
IN_CHECKOUT = PACKAGE.parent / "configs"


class FlagValues(absl_flags.FlagValues):
    """Flags that look for the files of `--flagfile` in the package too."""

    def read_flags_from_files(self, argv, force_gnu=True):
        """Return the arguments with those of files in their place.

        Raises:
            UsageError: a name that is none: absl would compare it with all flags, by a
                function whose time and depth grow with its letters.
        """
        words = super().read_flags_from_files(argv, force_gnu)
        for word in words:
            name = word.partition("=")[0]
            if word.startswith("-") and len(name) > LONGEST_NAME:
                raise UsageError(
                    f"no flag has a name of over {LONGEST_NAME} letters. Received: "
                    f"{name[:LONGEST_NAME]}... of {len(name)}"
                )
        return words

    def _get_flag_file_lines(self, filename, parsed_file_stack=None):
        read = super()._get_flag_file_lines
        if not (name := in_package(filename)):
            return read(filename, parsed_file_stack)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, name)
            path.write_text(texts()[name], encoding="utf-8")
            return read(str(path), parsed_file_stack)


def texts() -> Mapping[str, str]:
    """Return the files that come with the package: name -> text, sorted."""
    return _read(INSTALLED if INSTALLED.is_file() else IN_CHECKOUT)


@functools.cache
def _read(place: pathlib.Path) -> Mapping[str, str]:
    if place.is_file():
        return json.loads(place.read_text(encoding="utf-8"))
    paths = sorted(place.glob("*.flags"))
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def in_package(written: str) -> str:
    """Return the name of the package's file that `--flagfile` means; or an empty text.

    A path from the working directory comes first. `r50.flags` and `configs/r50.flags`
    are then names of files that come with the package.

    Raises:
        UsageError: there is neither; gives the nearest names.
    """
    if not written or os.path.exists(written):
        return ""
    parts = pathlib.PurePath(written).parts
    if parts[:-1] in ((), ("configs",)) and parts[-1] in texts():
        return parts[-1]
    raise UsageError(
        "--flagfile is a file, or one of those that `ressl-tf configs` lists"
        f"{nearest(os.path.basename(written), texts())}. Received: {written}"
    )


def own(name: str) -> str:
    """Return the name of a file that comes with the package.

    Args:
        name: with or without its folder and its ending: `r50`, `configs/r50.flags`.

    Raises:
        UsageError: there is none of this name; gives the nearest ones.
    """
    wanted = os.path.basename(name).removesuffix(".flags") + ".flags"
    if wanted in texts():
        return wanted
    raise UsageError(
        f"no config of this name comes with the package{nearest(wanted, texts())}. "
        f"Received: {name}"
    )
