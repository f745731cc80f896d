"""Rates, ratios and spreads of what is timed in turns."""

import pytest

from ressl_tf.benchmarks import timing
from ressl_tf.benchmarks.timing import Rate


def test_a_ratio_is_the_median_over_rounds_of_what_ran_side_by_side():
    mine, theirs = Rate((10.0, 2.0, 30.0)), Rate((5.0, 4.0, 6.0))
    assert mine.over(theirs) == 2.0  # of 2, 0.5 and 5
    assert mine.median == 10.0


def test_spread_is_half_the_middle_half_over_the_median():
    assert Rate((8.0, 9.0, 10.0, 11.0, 12.0)).spread == pytest.approx(0.1)
    assert Rate((5.0,)).spread == 0.0


def test_a_benchmark_takes_turns_after_one_turn_of_warm_up():
    turns = []

    def candidate(name, rate):
        def run(seconds):
            turns.append((name, seconds))
            return rate * len(turns)

        return run

    rates = timing.benchmark({"a": candidate("a", 1), "b": candidate("b", 1)}, 2, 4.0)
    assert turns == [("a", 1), ("b", 1), ("a", 4), ("b", 4), ("a", 4), ("b", 4)]
    assert rates["a"].rounds == (3, 5)
    assert rates["b"].rounds == (4, 6)


def test_repeated_counts_units_a_second(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def work():
        now[0] += 0.5
        return 3

    assert timing.repeated(work)(2.0) == 6.0
    assert timing.repeated(work)(0.0) == 6.0  # once at least
