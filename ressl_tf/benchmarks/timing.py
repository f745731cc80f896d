"""Rates that were measured in turns, and their ratios."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping

Contender = Callable[[float], float]  # seconds to run -> units a second


@dataclasses.dataclass(frozen=True)
class Rate:
    """Units a second, one value for each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the range of the middle half of the rounds, relative to the median."""
        if len(self.rounds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.rounds, n=4, method="inclusive")
        return (high - low) / 2 / self.median

    def over(self, other: "Rate") -> float:
        """How many times as fast as `other`: the median of the rounds' ratios."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def race(
    contenders: Mapping[str, Contender], rounds: int, seconds: float
) -> dict[str, Rate]:
    """Measures all in turn, again and again, so that a busy moment hits them alike.

    Args:
        contenders: name -> what runs for so many seconds and returns its rate. Each
            has a turn before the first round: graphs are built, caches fill.
        rounds: turns that count.
        seconds: of a turn.
    """
    for run in contenders.values():
        run(seconds / 4)
    turns = [
        {name: run(seconds) for name, run in contenders.items()} for _ in range(rounds)
    ]
    return {name: Rate(tuple(turn[name] for turn in turns)) for name in contenders}


def repeated(work: Callable[[], int]) -> Contender:
    """A contender that calls `work`, which returns how many units it did."""

    def run(seconds: float) -> float:
        done, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds or not done:
            done += work()
        return done / (passed or time.perf_counter() - start)

    return run
