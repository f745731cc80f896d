"""`python -m ressl_tf.bench`: it measures, and prints what it measured."""

import json

import pytest
from helpers.benchmarking import POINT
from helpers.models import tiny_backbone

from ressl_tf import bench
from ressl_tf.benchmarks import loss_speed, remote, scaling, scaling_replicas
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.models import backbones
from ressl_tf.runtime import command


@pytest.mark.slow
def test_the_command_measures_growth(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "FACTORS", {"batch_size": (1, 2)})
    monkeypatch.setattr(scaling_replicas, "COUNTS", (1, 2))
    flags = "--part=growth --repeats=1 --seconds=0.05 --width=0.0625 --batch_size=8"
    flags += " --hidden_dim=8 --embedding_dim=8 --queue_size=64 --image_size=16"
    flags += f" --output={tmp_path}/growth.png"
    status = command.run(bench.main, BenchConfig, bench.__doc__, flags.split())
    out, err = capfd.readouterr()
    assert status == 0, err
    line = json.loads(out.splitlines()[-1])["growth"]
    assert {name: list(figures) for name, figures in line.items()} == {
        "batch_size": ["8", "16"],
        "replicas": ["1", "2"],
    }
    for figures in line.values():
        for point in figures.values():
            assert set(point) == set(POINT)
            assert point["milliseconds"] > 0
            assert point["floor_milliseconds"] > 0
    assert "| growth: replicas |" in err
    assert "retracing" not in err
    assert (tmp_path / "growth.png").stat().st_size > 1000


@pytest.mark.slow
def test_the_command_prints_every_part(capfd, tmp_path, monkeypatch):
    """With one small network and short queues of losses; the rest is real."""
    monkeypatch.setattr(backbones, "build", lambda *_, **__: tiny_backbone(size=32))
    sizes = (8, 64, 8), (8, 128, 8)  # of the speeds alone
    monkeypatch.setattr(loss_speed, "SIZES", sizes)
    flags = "--repeats=1 --seconds=0.05 --peers=pil --width=0.125 --batch_size=8"
    flags += " --hidden_dim=8 --embedding_dim=8 --queue_size=64"
    status = command.run(bench.main, BenchConfig, bench.__doc__, flags.split())
    out, err = capfd.readouterr()
    assert status == 0, err
    line = json.loads(out.splitlines()[-1])
    assert line["machine"]["cores"] >= 1
    assert set(line["views"]) >= {"weak_32", "strong_32", "weak_224", "pair_224"}
    assert line["views"]["strong_224"]["vs_pil"] > 0
    assert line["pipeline"]["fit_vs_step"] > 0
    assert line["step"]["vs_floor"] > 0
    assert line["step"]["bfloat16_vs_float32"] > 0
    assert line["queue"]["large_vs_small"] > 0
    # All logits of 256 rows and 131,072 keys are 134 MB; blocks keep 8 MB of them.
    assert line["loss"]["plain_peak_bytes"] > 5 * line["loss"]["peak_bytes"]


def test_a_named_peer_without_the_source_checkout_is_one_line(
    capfd, tmp_path, monkeypatch
):
    monkeypatch.setattr(remote, "SCRIPTS", tmp_path)
    flags = ["--part=queue", "--peers=pil"]
    assert command.run(bench.main, BenchConfig, bench.__doc__, flags) == 2
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: --peers need the source checkout")
