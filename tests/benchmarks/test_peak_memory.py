"""How far memory rises, also where the system cannot forget an earlier peak."""

import numpy as np
import pytest

from ressl_tf.benchmarks import peak_memory

MIB = 2**20


def test_what_is_filled_and_freed_again_is_measured():
    assert 190 * MIB < peak_memory.rise(lambda: np.ones(200 * MIB, np.int8)) < 260 * MIB


@pytest.mark.parametrize(("peaks", "rise"), [([100, 350], 250), ([None], None)])
def test_without_proc_it_is_what_is_above_the_earlier_peak(
    peaks, rise, tmp_path, monkeypatch
):
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path / "none")
    monkeypatch.setattr(peak_memory.host, "peak_memory", lambda: peaks.pop(0))
    done = []
    assert peak_memory.rise(lambda: done.append(1)) == rise
    assert (done, peaks) == ([1], [])
