"""The energy that processors take, by Linux's RAPL counters."""

import pathlib

POWERCAP = pathlib.Path("/sys/class/powercap")
# One a socket, AMD's too; those with two numbers are parts of it.
PACKAGES = "intel-rapl:?"


class EnergyMeter:
    """A meter of what all sockets take from when it is made, other processes included.

    A counter that starts anew more than once between two readings, in hours, is read
    too low.
    """

    def __init__(self) -> None:
        self._before = _counters()

    def joules(self) -> float | None:
        """Return the joules so far; None where the counters cannot be read."""
        now = _counters()
        if not self._before or now.keys() != self._before.keys():
            return None
        microjoules = 0
        for folder, count in now.items():
            gone = count - self._before[folder]
            microjoules += (
                gone if gone >= 0 else gone + _number(folder, "max_energy_range_uj")
            )
        return microjoules / 1e6


def _counters() -> dict[pathlib.Path, int]:
    """Return folder -> microjoules; nothing where a counter is for root alone."""
    try:
        folders = sorted(POWERCAP.glob(PACKAGES))
        return {folder: _number(folder, "energy_uj") for folder in folders}
    except (OSError, ValueError):
        return {}


def _number(folder: pathlib.Path, name: str) -> int:
    return int((folder / name).read_text())
