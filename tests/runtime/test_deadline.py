"""Processes that end in time, although their main thread is busy."""

import signal
import subprocess
import sys

import pytest

from ressl_tf.runtime.signals import Watch

# A call that no signal interrupts, as a step or a disk that hangs: handlers of Python
# wait for its end. The other thread sends the signal meanwhile.
WORK = """
import hashlib, os, signal, threading, time
from ressl_tf.runtime.signals import Watch
with Watch(grace_seconds=0.5) as watch:
    for seconds in {moments}:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.{name})).start()
    begun = time.monotonic()
    while time.monotonic() - begun < {seconds}:
        hashlib.pbkdf2_hmac("sha256", b"", b"", {turns})
print("saved by itself after", watch.asked)
time.sleep(0.7)
"""
FOR_EVER, SHORT = 2**31 - 1, 10**4


def ended(name, seconds, turns, moments="[0.1]"):
    body = WORK.format(name=name, seconds=seconds, turns=turns, moments=moments)
    command = [sys.executable, "-c", body]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGUSR1", 138)])
def test_work_that_no_signal_reaches_is_ended(name, status):
    code, line, said = ended(name, 60, FOR_EVER)
    assert (code, line) == (status, '{"interrupted": true}')
    assert said.startswith(f"{name} came, and the work at hand did not end in time; ")


def test_a_later_signal_does_not_put_it_off():
    moments = "[0.1 * n for n in range(1, 5)] + [5]"
    code, line, _ = ended("SIGTERM", 60, FOR_EVER, moments)
    assert (code, line) == (143, '{"interrupted": true}')


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("SIGTERM", 0.3), ("SIGINT", 1.0)],  # done in time; a person can ask again
)
def test_other_work_ends_by_itself(name, seconds):
    code, line, said = ended(name, seconds, SHORT)
    assert (code, line, said) == (0, f"saved by itself after {name}", "")


def blocked():
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_the_main_thread_leaves_the_signals_to_others_meanwhile():
    """The kernel gives one to the main thread first, also where a disk holds that."""
    before = blocked(), signal.set_wakeup_fd(-1)
    with Watch(grace_seconds=60) as watch:
        assert blocked() == before[0] | {signal.SIGTERM, signal.SIGUSR1}
        signal.raise_signal(signal.SIGINT)
        assert watch.asked == "SIGINT"
    assert (blocked(), signal.set_wakeup_fd(-1)) == before
    with Watch() as watch:
        assert blocked() == before[0]
