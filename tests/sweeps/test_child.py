"""Processes of a sweep: their results, failures and signals."""

import signal

import pytest

from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.sweeps import child


def say(tmp_path, monkeypatch, body):
    """Run a module with this body."""
    (tmp_path / "spoken.py").write_text(f"import os, sys\n{body}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return child.run("spoken", ["--flag=1"])


def test_a_process_gives_its_last_line_and_shows_its_progress(
    tmp_path, monkeypatch, capsys
):
    body = "print('step 1', file=sys.stderr)\nprint(1)\nprint('{\"a\": 2}')"
    assert say(tmp_path, monkeypatch, body) == {"a": 2}
    assert capsys.readouterr() == ("", "step 1\n")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "print('error: no such thing', file=sys.stderr); sys.exit(1)",
            "no such thing",
        ),
        (
            "sys.exit('error: bad (--help lists all flags)')",
            "bad",
        ),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("raise ValueError('odd')", "ValueError: odd"),
    ],
)
def test_a_process_that_fails_says_why_in_one_line(
    tmp_path, monkeypatch, body, message
):
    with pytest.raises(RunError, match=rf"^spoken: {message}$"):
        say(tmp_path, monkeypatch, body)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("sys.exit(130)", {}),
        ("os.kill(os.getpid(), 15)", {}),
        (
            'print(\'{"interrupted": true, "steps": 7}\')',
            {"interrupted": True, "steps": 7},
        ),
    ],
)
def test_a_process_that_is_stopped_stops_the_sweep(tmp_path, monkeypatch, body, result):
    with pytest.raises(Interrupted) as stop:
        say(tmp_path, monkeypatch, body)
    assert stop.value.result == result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_to_the_process(tmp_path, monkeypatch, number):
    """The process answers in its result; the handlers are as before."""
    body = (
        "import json, signal, time\n"
        f"signal.signal({number}, lambda *_: print(json.dumps({{'told': {number}}})))\n"
        f"os.kill(os.getppid(), {number})\ntime.sleep(0.2)"
    )
    before = signal.getsignal(number)
    assert say(tmp_path, monkeypatch, body) == {"told": number}
    assert signal.getsignal(number) is before
