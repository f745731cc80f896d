"""Training's --report: the page is there, and the run takes the same steps."""

import time

import pytest
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.engine.workdir import read_rows
from ressl_tf.evaluate.report import refreshed_report
from ressl_tf.pretraining import pretrain as pretraining

pytestmark = pytest.mark.slow


def test_a_run_with_a_report_equals_one_without(unbroken, photos, tmp_path, caplog):
    folder = tmp_path / "run"
    config = Config(
        **TINY,
        dataset=f"folder:{photos}",
        workdir=str(folder),
        report=True,
        report_every=2,
    )
    seen = []
    real = refreshed_report.written_report.write

    def write(config, model):
        time.sleep(1)
        seen.append(config.images)
        return real(config, model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshed_report.written_report, "write", write)
        line = pretraining.pretrain(config)
    assert seen == [500, 2000]  # after epoch 2, and at the end
    assert line["weights_sha256"] == unbroken[0]["weights_sha256"]
    assert line["report"] == str(folder / "report.html")
    speeds = [row["images_per_second"] for row in read_rows(folder)[2:]]
    assert min(speeds) > 24  # images an epoch: the second that a report takes is none
    assert 'id="relations"' in (folder / "report.html").read_text()


def test_a_report_that_fails_does_not_end_the_run(unbroken, photos, caplog):
    config = Config(**TINY, dataset=f"folder:{photos}", workdir="/nowhere")
    assert refreshed_report.write_report(config) == ""
    assert "the report is not written" in caplog.text
