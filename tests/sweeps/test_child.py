"""Processes of a sweep: their results, failures and signals."""

import json
import os
import signal

import pytest

from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import Watch
from ressl_tf.sweeps import child

SAVED = '{"interrupted": true, "steps": 7}'


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
        ("os.kill(os.getpid(), 40)", "killed by 40"),
        ("raise ValueError('odd')", "ValueError: odd"),
    ],
)
def test_a_process_that_fails_says_why_in_one_line(
    tmp_path, monkeypatch, body, message
):
    with pytest.raises(RunError, match=rf"^spoken: {message}$"):
        say(tmp_path, monkeypatch, body)


@pytest.mark.parametrize(
    ("body", "result", "status"),
    [
        ("sys.exit(130)", {}, 130),
        ("os.kill(os.getpid(), 15)", {}, 143),
        (f"print({SAVED!r}); sys.exit(143)", json.loads(SAVED), 143),
        (f"print({SAVED!r}); sys.exit(130)", json.loads(SAVED), 130),
    ],
)
def test_a_process_that_is_stopped_stops_the_sweep(
    tmp_path, monkeypatch, body, result, status
):
    with pytest.raises(Interrupted) as stop:
        say(tmp_path, monkeypatch, body)
    assert (stop.value.result, stop.value.status) == (result, status)
    early = "" if result else " before it saved anything"
    assert str(stop.value) == f"spoken was stopped{early}"


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


def test_a_process_that_was_done_when_it_was_asked_to_stop_stops_what_is_around(
    tmp_path, monkeypatch
):
    body = "import signal\nsignal.signal(15, signal.SIG_IGN)\n"
    body += "os.kill(os.getppid(), 15)\nimport time; time.sleep(0.2); print('{}')"
    with Watch() as watch:
        assert say(tmp_path, monkeypatch, body) == {}
    assert watch.asked == "SIGTERM"


def test_ctrl_c_that_has_reached_the_process_is_not_passed_on(tmp_path, monkeypatch):
    """As on Windows, whose processes take no SIGINT from others."""

    def refuse(self, number):
        raise ValueError(f"Unsupported signal: {number}")

    monkeypatch.setattr(child.subprocess.Popen, "send_signal", refuse)
    body = f"os.kill({os.getpid()}, 2)\nimport time; time.sleep(0.2); sys.exit(130)"
    with pytest.raises(Interrupted) as stop:
        say(tmp_path, monkeypatch, body)
    assert stop.value.status == 130
