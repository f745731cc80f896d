import dataclasses
import json

import pytest
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.engine.workdir import to_json
from ressl_tf.evaluate.report import compared_runs, written_report
from ressl_tf.runtime.errors import RunError, UsageError

CONFIG = Config(**TINY)


def save_run(folder, top1, **changes):
    """Write config and log of a run of one epoch."""
    folder.mkdir(parents=True)
    config = dataclasses.replace(CONFIG, workdir=str(folder), **changes)
    (folder / "config.json").write_text(json.dumps(to_json(config)))
    rows = [{"epoch": 0, "step": 0, "knn_top1": 0.1}, {"epoch": 1.0, "step": 3}]
    rows[1] |= {"loss": 2.0, "embedding_std": 0.3, "knn_top1": top1}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


@pytest.fixture
def folders(tmp_path):
    """Return three runs: two seeds of one config, and another temperature."""
    return [
        save_run(tmp_path / "sweep" / "a", 0.5, seed=0),
        save_run(tmp_path / "sweep" / "b", 0.7, seed=1),
        save_run(tmp_path / "sweep" / "<b>", 0.3, teacher_temp=0.07),
    ]


def test_a_page_compares_runs(folders, tmp_path):
    path = tmp_path / "all.html"
    names = ",".join(map(str, folders))
    line = written_report.write(ReportConfig(workdir=names, output=str(path)))
    assert line["verdicts"]["a"] == "learning: +40.0 points of kNN"
    text = path.read_text()
    assert "60.0% \u00b1 14.1% (n = 2)" in text  # of 50 % and 70 %
    assert "<code>0.07</code>" in text
    assert "<th>&lt;b&gt;</th>" in text
    assert "<th><b></th>" not in text


def test_only_flags_that_differ_are_listed(folders):
    runs = [
        compared_runs.ComparedRun(f.name, compared_runs.run_config(f), [])
        for f in folders
    ]
    assert compared_runs.differing(runs) == [
        ("--teacher_temp", ["0.04", "0.04", "0.07"]),
        ("--seed", ["0", "1", "0"]),
    ]


def test_a_flag_that_a_method_does_not_take_has_no_value(tmp_path):
    places = [
        save_run(tmp_path / method, 0.5, method=method, teacher_temp=temp)
        for method, temp in (("ressl", 0.04), ("byol", 0.02))
    ]
    runs = [
        compared_runs.ComparedRun(p.name, compared_runs.run_config(p), [])
        for p in places
    ]
    found = dict(compared_runs.differing(runs))
    assert found == {"--method": ["ressl", "byol"], "--teacher_temp": ["0.04", "-"]}


def test_a_sweep_stands_for_its_runs(folders):
    sweep = folders[0].parent
    (sweep / "runs.jsonl").write_text("")
    assert compared_runs.runs_in([sweep]) == sorted(folders)
    for folder in folders:
        (folder / "config.json").unlink()
    with pytest.raises(UsageError, match="sweep without a run"):
        compared_runs.runs_in([sweep])


def test_what_is_damaged_is_named(folders, tmp_path):
    config = ReportConfig(
        workdir=f"{folders[0]},{folders[1]}", output=str(tmp_path / "a.html")
    )
    (folders[1] / "metrics.jsonl").write_text('{"epoch": 0}\n{"epo')
    with pytest.raises(RunError, match=r"b/metrics\.jsonl is damaged"):
        written_report.write(config)
    (folders[1] / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"b/config\.json is damaged"):
        written_report.write(config)
    assert not (tmp_path / "a.html").exists()


@pytest.mark.slow
def test_a_comparison_opens_with_a_colour_for_each_run(browser, folders, tmp_path):
    path = tmp_path / "all.html"
    names = ",".join(map(str, folders))
    written_report.write(ReportConfig(workdir=names, output=str(path)))
    browser.get(path.as_uri())
    assert browser.get_log("browser") == []
    script = "return [...document.querySelectorAll('.u-marker')]"
    script += ".map((node) => node.style.borderColor).filter(Boolean)"
    colours = browser.execute_script(script)
    drawn = [colours[i : i + 3] for i in range(0, len(colours), 3)]  # of three runs
    assert len(drawn) == 3  # loss, kNN, std of embeddings
    assert all(some == drawn[0] for some in drawn)
    assert len(set(drawn[0])) == 3
