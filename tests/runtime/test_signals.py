"""Requests to stop: the first is kept, a later one ends the process."""

import os
import signal
import types

import pytest

from ressl_tf.runtime import signals
from ressl_tf.runtime.signals import Watch


@pytest.fixture
def ended(monkeypatch):
    """Note how the process would end, and by which platform's means."""
    calls = []
    own = {"getpid": os.getpid, "kill": lambda pid, number: calls.append(number)}
    system = types.SimpleNamespace(name="posix", _exit=calls.append, **own)
    monkeypatch.setattr(signals, "os", system)
    monkeypatch.setattr(signals, "ONE_REQUEST", -1.0)
    before = signal.getsignal(signal.SIGTERM)
    yield system, calls
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", signals.SIGNALS)
def test_the_first_signal_is_noted_here_and_in_what_is_around(number):
    before = [signal.getsignal(each) for each in signals.SIGNALS]
    told = []
    with Watch() as outer:
        with Watch(told.append) as inner:
            signal.raise_signal(number)
            assert inner.asked == outer.asked == number.name
        assert told == [number]
        with Watch() as next_one:
            assert next_one.asked == ""
    assert [signal.getsignal(each) for each in signals.SIGNALS] == before


def test_a_signal_outside_is_not_noted_inside():
    with Watch() as outer:
        signal.raise_signal(signal.SIGTERM)
        with Watch() as inner:
            pass
    assert (outer.asked, inner.asked) == ("SIGTERM", "")


@pytest.mark.parametrize(("system", "expected"), [("posix", [15, 143]), ("nt", [143])])
def test_a_later_signal_ends_the_process(ended, system, expected):
    """By the signal; process 1 of a container survives that, and exits."""
    ended[0].name = system
    with Watch() as watch:
        signal.raise_signal(signal.SIGTERM)
        assert ended[1] == []
        signal.raise_signal(signal.SIGTERM)
    assert (ended[1], watch.asked) == (expected, "SIGTERM")


def test_the_first_process_of_a_container_obeys_sigterm(ended):
    system, calls = ended
    signals.obey_as_first_process()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    system.getpid = lambda: 1
    signals.obey_as_first_process()
    signal.raise_signal(signal.SIGTERM)
    assert calls == [143]
