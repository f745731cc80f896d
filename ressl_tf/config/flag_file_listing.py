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
        name = flag_files.own(config.show)
        log.info("%s", flag_files.texts()[name].rstrip())
        return {"config": name}
    listed = {name: title(text) for name, text in flag_files.texts().items()}
    width = max(map(len, listed))
    for name, first in listed.items():
        log.info("%s  %s", name.ljust(width), first)
    log.info("--show=NAME prints one whole, --copy=NAME writes one to edit")
    return {"configs": listed}


def title(text: str) -> str:
    """Return the first line of a config's header, without its `#`."""
    return text.partition("\n")[0].lstrip("# ").rstrip(".")


def _copy(name: str, output: str) -> dict[str, Any]:
    path = pathlib.Path(output or name)
    if path.is_dir():
        path = path / name
    if path.exists():
        raise UsageError(f"{path} is there already; give another --output")
    try:
        with replacing(path) as temporary:
            temporary.write_text(flag_files.texts()[name], encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    log.info("wrote %s; next: ressl-tf train --flagfile=%s", path, path)
    return {"config": name, "written": str(path)}
