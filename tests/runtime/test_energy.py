"""Joules of the counters that a folder like Linux's holds."""

import pytest

from ressl_tf.runtime import energy


@pytest.fixture
def sockets(tmp_path, monkeypatch):
    """Two sockets, and a part of the first one, which is in its figure."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    folders = [tmp_path / name for name in ("intel-rapl:0", "intel-rapl:1")]
    for folder in (*folders, tmp_path / "intel-rapl:0:0"):
        folder.mkdir()
        (folder / "energy_uj").write_text("5000000\n")
        (folder / "max_energy_range_uj").write_text("9000000\n")
    return folders


def test_all_sockets_are_added(sockets):
    meter = energy.EnergyMeter()
    (sockets[0] / "energy_uj").write_text("6500000")
    (sockets[1] / "energy_uj").write_text("5250000")
    (sockets[0].parent / "intel-rapl:0:0" / "energy_uj").write_text("6000000")
    assert meter.joules() == pytest.approx(1.75)


def test_a_counter_that_starts_anew(sockets):
    meter = energy.EnergyMeter()
    (sockets[0] / "energy_uj").write_text("1000000")
    assert meter.joules() == pytest.approx(9 - 5 + 1)


def test_what_cannot_be_read_is_none(sockets, tmp_path):
    meter = energy.EnergyMeter()
    (sockets[1] / "energy_uj").unlink()
    assert meter.joules() is None
    assert energy.EnergyMeter().joules() is None
    energy.POWERCAP = tmp_path / "nowhere"
    assert energy.EnergyMeter().joules() is None
