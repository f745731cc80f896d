"""Growth, speed and kills of logs that are made up, whose answers are known."""

import numpy as np
import pytest
import soak_summary
from soak_summary import growth, summary, warm_samples

SIGNALS = ("SIGKILL", "SIGTERM", "SIGKILL")


def log(per_epoch, *, lengths=(40, 200, 120), noise=0.5, speed=lambda minutes: 900.0):
    """Return a soak of processes that warm up by 300 MB and then grow evenly."""
    draw, rows, begin, minutes = np.random.default_rng(0), [], 0, 0.0
    for process, length in enumerate(lengths, 1):
        for epoch in range(0, length, 2):
            memory = 500 + 300 * min(1, epoch / 25) + per_epoch * epoch
            minutes += 0.1
            rows.append(
                {
                    "minutes": minutes,
                    "process": process,
                    "epoch": begin + epoch,
                    "memory_mb": memory + draw.normal(0, noise),
                    "open_files": 6,
                    "threads": 35,
                    "disk_mb": 3 + 0.01 * (begin + epoch),
                    "images_per_second": speed(minutes),
                }
            )
        rows.append(
            {"minutes": minutes, "process": process, "killed": SIGNALS[process - 1]}
        )
        begin += length - 3  # the next goes on from a checkpoint
    return rows


@pytest.mark.parametrize("per_epoch", [0.0, 0.05, -0.02])
def test_the_slope_is_that_of_the_processes(per_epoch):
    found = summary(log(per_epoch), warm_up=30)
    assert found["memory_mb_per_100_epochs"] == pytest.approx(100 * per_epoch, abs=0.4)
    assert found["open_files_per_100_epochs"] == found["threads_per_100_epochs"] == 0
    assert found["disk_kb_per_epoch"] == pytest.approx(0.01 * 1024, rel=0.01)
    assert (found["processes"], found["kills"]) == (3, 3)
    assert (found["SIGKILL"], found["SIGTERM"]) == (2, 1)
    assert found["longest_process_epochs"] == 168  # 198 - 30
    assert found["epochs_after_warm_up"] == 8 + 168 + 88


def test_the_warm_up_is_left_out():
    """With it, 300 MB of loading would be growth."""
    assert summary(log(0.0), warm_up=0)["memory_mb_per_100_epochs"] > 5
    for own in warm_samples(log(0.0)[:20], warm_up=30):
        assert own[0]["epoch"] >= 30


def test_what_comes_behind_the_last_epoch_is_no_growth():
    rows = [row for row in log(0.0) if row["process"] == 2]
    ended = max((row for row in rows if "epoch" in row), key=lambda row: row["epoch"])
    rows += [{**ended, "memory_mb": 1500}] * 200  # pictures, a report
    assert abs(summary(rows, warm_up=30)["memory_mb_per_100_epochs"]) < 0.4


def test_peaks_do_not_count_and_rare_steps_do():
    epochs = np.arange(0, 200, 2)
    flat, steps = np.full(100, 600.0), 600 + 5.0 * (epochs // 50)
    flat[[10, 92, 97]] += 300
    for values, expected in ((flat, 0), (steps, 0.1)):
        own = [
            {"epoch": e, "memory_mb": v} for e, v in zip(epochs, values, strict=True)
        ]
        assert growth([own], "memory_mb") == pytest.approx(expected, abs=0.02)
    assert growth([], "memory_mb") is None


def test_a_speed_that_falls_is_seen():
    steady = soak_summary.speeds(log(0.0))
    assert set(steady.values()) == {900.0}
    slower = soak_summary.speeds(log(0.0, speed=lambda minutes: 900 - 20 * minutes))
    first, last = slower.values()
    assert last < 0.8 * first


def test_a_log_without_a_sample():
    found = summary([], warm_up=30)
    assert (found["kills"], found["memory_mb_per_100_epochs"]) == (0, None)
    assert found["images_per_second_last_third"] is None
