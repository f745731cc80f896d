import math

import pytest

from ressl_tf.evaluate.report.verdict import findings

CONFIG = {"embedding_dim": 64, "queue_size": 1000, "teacher_temp": 0.04}
UNIFORM = 1 / 8


def log_of(*stds, knn=None, **last):
    """Return rows of epochs 1, 2, ... with these stds; `knn` is before and after."""
    rows = [{"epoch": 0, "step": 0}]
    for epoch, std in enumerate(stds, start=1):
        row = {"epoch": float(epoch), "step": 10 * epoch, "embedding_std": std}
        rows.append({**row, "loss": 5.0 - epoch, "teacher_entropy": 4.0})
    rows[-1] |= last
    if knn:
        rows[0]["knn_top1"], rows[-1]["knn_top1"] = knn
    return rows


def titles(rows, config=CONFIG, **options):
    return [finding.title for finding in findings(rows, config, **options)]


def test_a_run_that_learns():
    rows = log_of(UNIFORM, UNIFORM, UNIFORM, knn=(0.2, 0.535))
    (found,) = findings(rows, CONFIG)
    assert found.title == "learning: +33.5 points of kNN"
    assert (found.level, found.advice) == ("good", "")
    assert "53.5%" in found.text
    assert "20.0%" in found.text


def test_a_run_no_better_than_untrained_names_flags():
    rows = log_of(UNIFORM, UNIFORM, UNIFORM, knn=(0.2, 0.21))
    (found,) = findings(rows, CONFIG)
    assert found.title == "not better than the untrained network"
    assert "--teacher_temp" in found.advice
    assert titles(log_of(UNIFORM, knn=(0.2, 0.21))) == ["too early to say"]


def test_a_collapse_is_dated_by_the_epoch_that_it_lasts_from():
    rows = log_of(UNIFORM, 0.005, UNIFORM, 0.012, 0.001)
    assert titles(rows)[0] == "collapsed at epoch 4"
    assert titles(log_of(UNIFORM, 0.005, UNIFORM)) == ["no sign of a collapse"]
    bad, learning = findings(rows, CONFIG)
    assert (bad.level, learning.level) == ("bad", "warning")
    rows[0]["knn_top1"], rows[-1]["knn_top1"] = 0.2, 0.25
    bad, other = findings(rows, CONFIG)
    assert other.level == "warning"  # beside a collapse nothing is good
    assert other.title.startswith("kNN is +5.0 points")
    assert titles(log_of(UNIFORM, 0.0126)) == ["no sign of a collapse"]  # 10.1 %
    without = {"embedding_dim": 64}  # a method without a relation
    assert "--teacher_temp" not in findings(rows, without)[0].advice


@pytest.mark.parametrize(
    ("entropy", "title"),
    [
        (0.995 * math.log(1000), "teacher uniform"),
        (0.98 * math.log(1000), "no sign"),
        (math.log(1.4), "no sign"),
    ],
)
def test_the_teachers_relation(entropy, title):
    found = titles(log_of(UNIFORM, teacher_entropy=entropy))
    assert found[0].startswith(title)
    one_hot = [t for t in found if "one-hot" in t]
    assert bool(one_hot) == (entropy < 1)


def test_the_suggested_temperature_is_named():
    rows = log_of(UNIFORM, teacher_entropy=math.log(1000))
    advice = findings(rows, CONFIG, "0.01 to 0.02")[0].advice
    assert advice == "a --teacher_temp below 0.04; 0.01 to 0.02 suits these images"


def test_waiting_for_input_is_named():
    assert "input-bound: 34% waiting" in titles(log_of(UNIFORM, input_wait=0.34))
    assert len(titles(log_of(UNIFORM, input_wait=0.1))) == 1


def test_a_log_without_epochs():
    assert titles([{"epoch": 0, "step": 0}])[0].startswith("not begun")
    assert titles([])[0].startswith("not begun")
