"""The benchmark: what it computes from its measurements, and that it measures."""

import json
import sys

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_backbone
from PIL import Image

from ressl_tf import bench
from ressl_tf.benchmarks import bench_report, loss_speed, peer_views, step_speed, timing
from ressl_tf.benchmarks import view_speed as view_bench
from ressl_tf.benchmarks.peers import draws, pil_views
from ressl_tf.benchmarks.remote import Remote
from ressl_tf.benchmarks.timing import Rate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.methods import build
from ressl_tf.runtime import command
from ressl_tf.runtime.errors import RunError, UsageError

DOUBLES = "import sys\nfor line in sys.stdin:\n    print(2 * float(line), flush=True)"


def test_a_ratio_is_the_median_over_rounds_of_what_ran_side_by_side():
    mine, theirs = Rate((10.0, 2.0, 30.0)), Rate((5.0, 4.0, 6.0))
    assert mine.over(theirs) == 2.0  # of 2, 0.5 and 5
    assert mine.median == 10.0


def test_spread_is_half_the_middle_half_over_the_median():
    assert Rate((8.0, 9.0, 10.0, 11.0, 12.0)).spread == pytest.approx(0.1)
    assert Rate((5.0,)).spread == 0.0


def test_a_race_takes_turns_after_one_turn_of_warm_up():
    turns = []

    def contender(name, rate):
        def run(seconds):
            turns.append((name, seconds))
            return rate * len(turns)

        return run

    rates = timing.race({"a": contender("a", 1), "b": contender("b", 1)}, 2, 4.0)
    assert turns == [("a", 1), ("b", 1), ("a", 4), ("b", 4), ("a", 4), ("b", 4)]
    assert rates["a"].rounds == (3, 5)
    assert rates["b"].rounds == (4, 6)


def test_repeated_counts_units_a_second(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def work():
        now[0] += 0.5
        return 3

    assert timing.repeated(work)(2.0) == 6.0
    assert timing.repeated(work)(0.0) == 6.0  # once at least


def test_a_remote_contender_answers_line_by_line():
    remote = Remote([sys.executable, "-c", DOUBLES], "double")
    assert [remote(2.0), remote(0.5)] == [4.0, 1.0]
    remote.close()


def test_a_remote_contender_that_dies_is_one_line():
    remote = Remote([sys.executable, "-c", "raise SystemExit('no such op')"], "peer")
    with pytest.raises(RunError, match="the peer peer failed: no such op"):
        remote(1.0)


def test_unknown_peers_are_refused():
    with pytest.raises(UsageError, match=r"--peers are of torch, .*Received: jax"):
        BenchConfig(peers=("torch", "jax"))


def test_presets_of_the_benchmark_are_flags_of_training():
    config = BenchConfig()
    assert (config.stem, config.batch_size, config.queue_size) == ("small", 64, 4096)


def test_tables_show_rows_of_figures_and_single_ones():
    page = bench_report.table(
        "views", {"weak": {"rate": 12345.6, "vs": 2.5}, "strong": {}}
    )
    assert "| weak   | 12,346 | 2.5 |" in page
    assert "| strong | -      | -   |" in page
    assert "| ratio | 0.123 |" in bench_report.table("step", {"ratio": 0.12345})


def test_draws_of_boxes_have_the_area_and_aspect_of_the_recipe():
    np.random.seed(0)
    boxes = np.array([draws.crop_box(100, 100) for _ in range(4000)])
    top, left, height, width = boxes.T
    assert (top >= 0).all()
    assert (top + height <= 100).all()
    assert (left >= 0).all()
    assert (left + width <= 100).all()
    # torchvision's mean share of a square image is .540.
    assert (height * width).mean() / 1e4 == pytest.approx(0.54, abs=0.015)
    assert np.log(width / height).mean() == pytest.approx(0.0, abs=0.02)


def test_draws_of_jitter_have_its_probability_order_and_range():
    np.random.seed(0)
    drawn = [draws.jitter() for _ in range(2000)]
    some = [steps for steps in drawn if steps]
    assert len(some) / 2000 == pytest.approx(0.8, abs=0.03)
    first = [steps[0][0] for steps in some]
    assert first.count("hue") / len(some) == pytest.approx(0.25, abs=0.04)
    values = {name: [dict(steps)[name] for steps in some] for name in dict(some[0])}
    assert 0.6 < min(values["contrast"]) < 0.61
    assert max(values["contrast"]) > 1.39
    assert -0.1 <= min(values["hue"]) < -0.098
    assert 0.098 < max(values["hue"]) <= 0.1


def test_the_peer_of_pillow_turns_red_to_green():
    red = Image.fromarray(np.full((4, 4, 3), (200, 0, 0), np.uint8))
    green = np.asarray(pil_views._turn_hue(red, "hue", 1 / 3))
    np.testing.assert_allclose(green[0, 0], (0, 200, 0), atol=3)


@pytest.mark.parametrize("kind", ["weak", "strong"])
def test_the_peer_of_pillow_makes_planes_on_0_1(kind):
    np.random.seed(0)
    images = peer_views._images(2, 32)
    made = pil_views.view(kind, 24)(pil_views.load(images[0]))
    assert made.shape == (3, 24, 24)
    assert made.dtype == np.float32
    assert 0 <= made.min() < made.max() <= 1


def test_workers_apply_all_transforms_and_count_images():
    images = np.zeros((peer_views.CHUNK, 2, 2, 3), np.uint8)
    seen = []
    done = peer_views._work([seen.append, seen.append], list(images), seconds=1e-9)
    assert done == peer_views.CHUNK
    assert len(seen) == 2 * done


def test_our_photos_are_streamed_one_by_one_or_held():
    held = view_bench.photos(8, 32, stream=False)
    streamed = view_bench.photos(8, 32, stream=True)
    images, labels = held.examples(tf.constant([3, 1]))
    assert images.shape == (2, 32, 32, 3)
    assert labels.numpy().tolist() == [-1, -1]
    np.testing.assert_array_equal(streamed.example(3)[0], images[0])


def test_pytorch_is_raced_with_its_own_network_only():
    assert step_speed.is_torchs(BenchConfig())
    others = (
        {"width": 0.5},
        {"backbone": "resnet50"},
        {"head": "bn"},
        {"stem": "standard"},
    )
    for other in (*others, {"method": "mocov2"}, {"gradient_accumulation": 2}):
        assert not step_speed.is_torchs(BenchConfig(**other))


@pytest.mark.slow
def test_the_command_prints_every_part(capfd, tmp_path, monkeypatch):
    """With one small network and short queues of losses; the rest is real."""
    monkeypatch.setattr(
        build.backbones, "build", lambda *_, **__: tiny_backbone(size=32)
    )
    monkeypatch.setattr(
        loss_speed, "SIZES", ((8, 64, 8), (8, 128, 8))
    )  # of the race alone
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
