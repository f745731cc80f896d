"""A soak is compared with a run of the same flags that ends at its last step."""

import types

import numpy as np
import pytest
import unbroken
from killed_run import Ended

ARRAYS = {"online/000": np.arange(6.0).reshape(2, 3), "optimizer/000": np.ones(2)}


def save(folder, arrays, step):
    (folder / "checkpoints").mkdir(parents=True)
    np.savez(folder / "checkpoints" / f"step-{step:09d}.npz", **arrays)


@pytest.fixture
def broken(tmp_path):
    folder = tmp_path / "run"
    save(folder, ARRAYS, 120)
    np.savez(folder / "checkpoints" / "step-000000060.npz", a=np.zeros(1))
    return types.SimpleNamespace(folder=folder, flags=["--seed=3"], every=5)


def trains(monkeypatch, arrays, status=0):
    """Let the unbroken run end with these arrays; return what it was started with."""
    started = []

    class Whole:
        def __init__(self, folder, flags, log, every):
            self.folder = folder
            started.extend(flags)

        def live(self, seconds, end):
            assert seconds == float("inf")
            save(self.folder, arrays, 120)
            return Ended(status)

    monkeypatch.setattr(unbroken, "KilledRun", Whole)
    return started


def test_the_same_arrays_in_any_order(broken, tmp_path, monkeypatch):
    started = trains(monkeypatch, dict(reversed(ARRAYS.items())))
    found = unbroken.compare(broken, tmp_path / "whole")
    assert (found["same_as_unbroken"], found["steps"]) == (True, 120)
    assert started == ["--seed=3", "--max_steps=120"]


@pytest.mark.parametrize("name", ARRAYS)
def test_one_other_number(broken, tmp_path, monkeypatch, name):
    other = {**ARRAYS, name: ARRAYS[name] + np.float32(1e-7)}
    trains(monkeypatch, other)
    assert unbroken.compare(broken, tmp_path / "whole")["same_as_unbroken"] is False


def test_kills_before_any_checkpoint_leave_nothing_to_compare(tmp_path):
    none = types.SimpleNamespace(folder=tmp_path, flags=[], every=5)
    found = unbroken.compare(none, tmp_path / "whole")
    assert (found["steps"], found["same_as_unbroken"]) == (0, None)


def test_an_unbroken_run_that_fails_is_not_the_same(broken, tmp_path, monkeypatch):
    trains(monkeypatch, ARRAYS, status=1)
    assert unbroken.compare(broken, tmp_path / "whole")["same_as_unbroken"] is False
