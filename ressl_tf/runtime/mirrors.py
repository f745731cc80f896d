"""Which folders of this machine are copies of remote ones, told of every change."""

import pathlib
from typing import Protocol


class Mirror(Protocol):
    """A folder of this machine whose files are sent to a remote one.

    Attributes:
        folder: on this machine.
        address: of the remote one.
    """

    folder: pathlib.Path
    address: str

    def send(self, path: pathlib.Path) -> None:
        """Send a file or folder that was written, or remove one that was removed."""

    def send_all(self) -> None:
        """Send everything that has changed."""


KNOWN: dict[pathlib.Path, Mirror] = {}


def changed(path: pathlib.Path) -> None:
    """Send a file or folder in a mirror, which was written or removed just now.

    What cannot be sent waits for `settle`.
    """
    if KNOWN and (mirror := _of(path)):
        mirror.send(path)


def settle(path: pathlib.Path) -> None:
    """Send all that has changed in the mirror that a folder is or lies in.

    Raises:
        RunError: the remote folder cannot be written.
    """
    if KNOWN and (mirror := _of(path)):
        mirror.send_all()


def settle_all() -> None:
    """Send all that has changed in any mirror.

    Raises:
        RunError: a remote folder cannot be written.
    """
    for mirror in KNOWN.values():
        mirror.send_all()


def shown(path: pathlib.Path) -> str:
    """Return the address of what is mirrored; any other path as text."""
    mirror = _of(path)
    if mirror is None:
        return str(path)
    inside = path.absolute().relative_to(mirror.folder)
    return "/".join((mirror.address, *inside.parts))


def _of(path: pathlib.Path) -> Mirror | None:
    whole = path.absolute()
    return next((KNOWN[p] for p in (whole, *whole.parents) if p in KNOWN), None)
