"""A remote folder's copy on this machine, which is read and written in its place.

Runs lock, rename and append, which object stores do not know. So a run at gs://bucket
works in a folder of this machine, and each file is sent when it is whole. A note beside
the files says what both sides were like when they last agreed: where one has changed
since, it goes to the other; where both have, the remote one counts.
"""

import json
import logging
import pathlib
import re

import tensorflow as tf

from ressl_tf.runtime import lock, mirrors
from ressl_tf.runtime.cache_folder import default_folder
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.storage import reason

log = logging.getLogger("ressl_tf")
NOTE = ".agreed.json"
LOCK = "lock"  # of a run, which is on this machine alone
State = tuple[int, int]  # bytes, and the time of the last change in ns


def local_side(address: str) -> str:
    """Return the folder that stands for a remote one, with all that is there.

    Raises:
        UsageError: the remote folder cannot be read.
    """
    name = re.sub("[^A-Za-z0-9._=-]+", "/", address).strip("/")
    folder = (default_folder() / "remote" / name).absolute()
    mirror = MirroredFolder(folder, address.rstrip("/"))
    mirrors.KNOWN[folder] = mirror
    try:
        release = lock.acquire(folder / LOCK)
    except lock.LockHeldError:  # a run is writing it: its files are the newest
        return str(folder)
    try:
        mirror.agree()
    except tf.errors.OpError as error:
        raise UsageError(f"cannot read {address}: {reason(error)}") from None
    finally:
        release()
    return str(folder)


class MirroredFolder:
    """The two sides, and what they were like when they last agreed.

    Args:
        folder: on this machine; it is made.
        address: of the remote one.
    """

    def __init__(self, folder: pathlib.Path, address: str):
        self.folder, self.address = folder, address
        folder.mkdir(parents=True, exist_ok=True)
        self._agreed = self._read_note()
        self._failed = ""

    def agree(self) -> None:
        """Bring what has changed from either side to the other.

        Raises:
            tf.errors.OpError: the remote side cannot be read.
        """
        there, here = self._remote_files(), self._local_files()
        if self._agreed and not there:
            raise UsageError(
                f"{self.address} has no files any more, but its copy has: "
                f"{self.folder}; remove that to start anew, or put the files back"
            )
        fetched = [n for n in there if self._is_news(n, there[n], here)]
        for name in fetched:
            self._fetch(name, there[name])
        for name in set(here) - set(there) & set(self._agreed):
            (self.folder / name).unlink()
            del self._agreed[name]
        self._keep_note()
        log.info("%s: %d files came into %s", self.address, len(fetched), self.folder)
        self._send_changes()

    def send(self, path: pathlib.Path) -> None:
        """Send a file, or all files in a folder; what cannot be sent waits."""
        name = path.absolute().relative_to(self.folder).as_posix()
        self._send_changes(name)

    def send_all(self) -> None:
        """Send everything that has changed.

        Raises:
            RunError: some cannot be sent.
        """
        self._failed = ""
        self._send_changes()
        if self._failed:
            raise RunError(
                f"cannot write {self.address}: {self._failed}; its files are kept in "
                f"{self.folder}, and the next command sends them"
            )

    def _send_changes(self, within: str = "") -> None:
        here = self._local_files()
        changed = [n for n in here if here[n] != self._agreed.get(n, (0, 0))[1]]
        for name in changed:
            if _is_within(name, within):
                self._try(name, here[name])
        for name in set(self._agreed) - set(here):
            if _is_within(name, within):
                self._try(name, None)
        self._keep_note()

    def _try(self, name: str, state: State | None) -> None:
        """Send one file, or remove it where there is none here."""
        try:
            if state is None:
                self._remove(name)
            else:
                self._agreed[name] = self._put(name), state
        except tf.errors.OpError as error:
            if not self._failed:
                where = f"{self.address}/{name}"
                log.warning("cannot write %s: %s", where, reason(error))
            self._failed = reason(error)

    def _put(self, name: str) -> State:
        """Send a file under a temporary name, then rename it."""
        target = f"{self.address}/{name}"
        folder, _, last = target.rpartition("/")
        temporary = f"{folder}/.{last}.tmp"
        tf.io.gfile.makedirs(folder)
        tf.io.gfile.copy(str(self.folder / name), temporary, overwrite=True)
        tf.io.gfile.rename(temporary, target, overwrite=True)
        return _remote_state(target)

    def _remove(self, name: str) -> None:
        if tf.io.gfile.exists(f"{self.address}/{name}"):
            tf.io.gfile.remove(f"{self.address}/{name}")
        del self._agreed[name]

    def _is_news(self, name: str, there: State, here: dict[str, State]) -> bool:
        agreed = self._agreed.get(name)
        return name not in here or agreed is None or agreed[0] != there

    def _fetch(self, name: str, there: State) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        tf.io.gfile.copy(f"{self.address}/{name}", str(temporary), overwrite=True)
        temporary.replace(path)
        self._agreed[name] = there, _local_state(path)

    def _remote_files(self) -> dict[str, State]:
        if not tf.io.gfile.exists(self.address):
            return {}
        found = {}
        for folder, _, names in tf.io.gfile.walk(self.address, onerror=_raise):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                inside = path.removeprefix(self.address).strip("/")
                if _is_mirrored(inside):
                    found[inside] = _remote_state(path)
        return found

    def _local_files(self) -> dict[str, State]:
        names = {
            path.relative_to(self.folder).as_posix(): path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
        return {n: _local_state(names[n]) for n in names if _is_mirrored(n)}

    def _read_note(self) -> dict[str, tuple[State, State]]:
        try:
            noted = json.loads((self.folder / NOTE).read_text())
            return {n: (tuple(a), tuple(b)) for n, (a, b) in noted.items()}
        except (OSError, ValueError):
            return {}

    def _keep_note(self) -> None:
        temporary = self.folder / f"{NOTE}.tmp"
        temporary.write_text(json.dumps(self._agreed))
        temporary.replace(self.folder / NOTE)


def _is_mirrored(name: str) -> bool:
    """Whether a file is of the run: hidden ones are half-written, or notes."""
    return name != LOCK and not any(p.startswith(".") for p in name.split("/"))


def _is_within(name: str, folder: str) -> bool:
    return not folder or name == folder or name.startswith(f"{folder}/")


def _raise(error: tf.errors.OpError) -> None:
    raise error


def _remote_state(path: str) -> State:
    found = tf.io.gfile.stat(path)
    return found.length, found.mtime_nsec


def _local_state(path: pathlib.Path) -> State:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
