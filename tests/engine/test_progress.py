"""What people see of a run while it works."""

import io
import logging
import time
import types

import pytest

from ressl_tf.engine import progress
from ressl_tf.engine.progress import Progress, as_time


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock; `clock.now` is the time."""
    state = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: state.now)
    monkeypatch.setattr(progress.time, "strftime", lambda form: "12:00:00 ")
    return state


def drive(clock, stream, steps, seconds_a_step=2.0, **options):
    """Take steps of a run of 3 epochs of 10 steps, the first of them in 5 seconds."""
    shown = Progress(10, 30, stream=stream, **options)
    step = types.SimpleNamespace(numpy=lambda: done)
    shown.set_model(types.SimpleNamespace(step=step))
    shown.on_train_begin()
    for done in range(1, steps + 1):
        clock.now += seconds_a_step if done > 1 else 5.0
        logs = {"loss": 8 - done / 10, "images_per_second": 1234.5}
        shown.on_train_batch_end((done - 1) % 10, logs)
        if done % 10 == 0:
            shown.on_epoch_end(done // 10 - 1, {**logs, "knn_top1": 0.5})
    return stream.getvalue()


def test_a_file_gets_a_line_every_so_many_seconds(clock):
    lines = drive(clock, io.StringIO(), 9, seconds=6.0).splitlines()
    assert lines[0] == "the first step compiles views and network ..."
    assert lines[1] == "first step after 5.0 s"
    # Steps 4 and 7: three steps of 2 seconds later each time.
    assert lines[2:] == [
        "12:00:00 loss 7.6000  epoch 1/3  step 4/30  1,234 images/s  "
        "left: epoch 0:12, run 0:52",
        "12:00:00 loss 7.3000  epoch 1/3  step 7/30  1,234 images/s  "
        "left: epoch 0:06, run 0:46",
    ]


def test_a_run_that_ends_within_an_epoch_has_a_whole_number_of_them(clock):
    stream = io.StringIO()
    shown = Progress(10, 6, stream=stream, seconds=1.0)
    step = types.SimpleNamespace(numpy=lambda: done)
    shown.set_model(types.SimpleNamespace(step=step))
    shown.on_train_begin()
    for done in range(1, 5):
        clock.now += 2.0
        shown.on_train_batch_end(done - 1, {"loss": 1.0})
    assert stream.getvalue().splitlines()[-1] == (
        "12:00:00 loss 1.0000  epoch 1/1  step 4/6  left: epoch 0:04, run 0:04"
    )


def test_the_end_of_an_epoch_is_a_line_with_its_metrics(clock):
    lines = drive(clock, io.StringIO(), 10, seconds=0).splitlines()
    assert lines[2] == (
        "loss 7.0000  epoch 1/3  step 10/30  1,234 images/s  left: epoch 0:00, run 0:40"
    )
    assert lines[3] == "    loss 7, knn_top1 0.5"
    assert len(lines) == 4


def test_a_terminal_has_one_line_of_100_columns_that_is_rewritten(clock):
    text = drive(clock, Terminal(), 5, seconds_a_step=0.15)
    states = text.split("\n")[-1].split("\r")[1:]
    assert [state[:11] for state in states] == ["loss 7.7000", "loss 7.5000"]
    assert {len(state) for state in states} == {100}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (3600, "1:00:00"), (360_000, "4.2 days")],
)
def test_times_are_read_at_a_glance(seconds, text):
    assert as_time(seconds) == text


def test_a_stage_is_named_and_timed_where_it_takes_long(clock, caplog):
    with caplog.at_level(logging.INFO, "ressl_tf"):
        with progress.stage("listing"):
            clock.now += 0.5
        with progress.stage("decoding"):
            clock.now += 2.5
    assert caplog.messages == ["decoding: 2.5 s"]


def test_a_stage_is_named_while_it_lasts_and_not_when_it_fails_at_once(
    monkeypatch, caplog
):
    caplog.set_level(logging.INFO, "ressl_tf")
    with pytest.raises(ValueError, match="a mistake"), progress.stage("reading"):
        raise ValueError("a mistake")
    monkeypatch.setattr(progress, "NOTICEABLE_SECONDS", 0.01)
    with progress.stage("compiling"):
        until = time.monotonic() + 30
        while not caplog.messages and time.monotonic() < until:
            time.sleep(0.01)
        assert caplog.messages == ["compiling ..."]
