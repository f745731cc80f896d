import pathlib

import pytest

from ressl_tf.config.report_config import ReportConfig
from ressl_tf.runtime.errors import UsageError


def test_commas_separate_runs_unless_they_are_part_of_a_name(tmp_path):
    assert ReportConfig(workdir="a,b").workdirs == (
        pathlib.Path("a"),
        pathlib.Path("b"),
    )
    assert ReportConfig(workdir="a,b").path == pathlib.Path("runs/report.html")
    (tmp_path / "seed=0,lr=1").mkdir()
    config = ReportConfig(workdir=str(tmp_path / "seed=0,lr=1"))
    assert config.workdirs == (tmp_path / "seed=0,lr=1",)
    assert config.path == tmp_path / "seed=0,lr=1" / "report.html"


def test_commas_separate_splits():
    assert ReportConfig(workdir="a", split="test, train").splits == ["test", "train"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, "--workdir"),
        ({"workdir": "a", "output": "a.pdf"}, "--output must end in .html"),
        ({"workdir": "a", "images": 0}, "--images"),
        ({"workdir": "a", "split": "test,test"}, "--split must name one split"),
        ({"workdir": "a", "split": ","}, "--split must name one split"),
        ({"workdir": "gs://a"}, "workdir"),
    ],
)
def test_what_cannot_be_is_refused(flags, words):
    with pytest.raises(UsageError, match=words):
        ReportConfig(**flags)
