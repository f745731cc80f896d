"""Rates that are measured in turns, and their ratios."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Candidate = Callable[[float], float]  # seconds to run -> units a second
Key = TypeVar("Key", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class Rate:
    """Units a second, one value for each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over rounds."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the range of the middle half of the rounds, relative to the median."""
        if len(self.rounds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.rounds, n=4, method="inclusive")
        return (high - low) / 2 / self.median

    def over(self, other: "Rate") -> float:
        """Return the speedup over `other`, the median of the rounds' ratios."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def benchmark(
    candidates: Mapping[Key, Candidate], rounds: int, seconds: float
) -> dict[Key, Rate]:
    """Measure all in turn, again and again, so that a busy moment hits them alike.

    Args:
        candidates: Key -> function that runs for so many seconds and returns its rate.
            Each has a turn before the first round: graphs are built, caches fill.
        rounds: Turns that count.
        seconds: Length of a turn.
    """
    for run in candidates.values():
        run(seconds / 4)
    turns = [
        {key: run(seconds) for key, run in candidates.items()} for _ in range(rounds)
    ]
    return {key: Rate(tuple(turn[key] for turn in turns)) for key in candidates}


def repeated(work: Callable[[], int]) -> Candidate:
    """Return a candidate that repeats `work`, which returns its count of units."""

    def run(seconds: float) -> float:
        done, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds or not done:
            done += work()
        return done / (passed or time.perf_counter() - start)

    return run
