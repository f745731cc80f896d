"""List the files of flags that come with the package; show or copy one."""

import logging
import pathlib
from typing import Any

from ressl_tf.config.listing_config import ConfigsConfig
from ressl_tf.runtime import flag_files
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError

log = logging.getLogger("ressl_tf")


def run(config: ConfigsConfig) -> dict[str, Any]:
    """Do what the flags of `ressl-tf configs` say.

    Returns:
        The JSON line: the configs with their first lines, or the one that was meant.

    Raises:
        UsageError: no such config, or the file to write is there already.
        RunError: it cannot be written.
    """
    if config.copy:
        return _copy(flag_files.own(config.copy), config.output)
    if config.show:
        path = flag_files.own(config.show)
        log.info("%s", path.read_text().rstrip())
        return {"config": path.name, "path": str(path)}
    listed = {name: title(name) for name in flag_files.names()}
    width = max(map(len, listed))
    for name, first in listed.items():
        log.info("%s  %s", name.ljust(width), first)
    log.info("--show=NAME prints one whole, --copy=NAME writes one to edit")
    return {"configs": listed, "folder": str(flag_files.folder())}


def title(name: str) -> str:
    """Return the first line of a config's header, without its `#`."""
    text = (flag_files.folder() / name).read_text()
    return text.partition("\n")[0].lstrip("# ").rstrip(".")


def _copy(source: pathlib.Path, output: str) -> dict[str, Any]:
    path = pathlib.Path(output or source.name)
    if path.is_dir():
        path = path / source.name
    if path.exists():
        raise UsageError(f"{path} is there already; give another --output")
    try:
        with replacing(path) as temporary:
            temporary.write_text(source.read_text())
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    log.info("wrote %s; next: ressl-tf train --flagfile=%s", path, path)
    return {"config": source.name, "written": str(path)}
