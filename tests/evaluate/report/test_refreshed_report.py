"""Training's --report: the page is there, and the run takes the same steps."""

import pytest
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.engine.callbacks import Speed
from ressl_tf.evaluate.report import refreshed_report, shown_images
from ressl_tf.pretraining import pretrain as pretraining

pytestmark = pytest.mark.slow


def test_a_run_with_a_report_equals_one_without(unbroken, photos, tmp_path, caplog):
    folder = tmp_path / "run"
    config = Config(
        **TINY,
        dataset=f"folder:{photos}",
        workdir=str(folder),
        report=True,
        report_every=1,
    )
    happened, opened = [], []
    choose = shown_images.choose
    write, start = refreshed_report.written_report.write, Speed._start

    def seen_write(config, reading):
        happened.append(f"report of {config.images} images")
        return write(config, reading)

    def seen_start(speed):
        happened.append("clock starts")
        start(speed)

    def seen_choose(config, run):
        opened.append(config.images)
        return choose(config, run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shown_images, "choose", seen_choose)
        patch.setattr(refreshed_report.written_report, "write", seen_write)
        patch.setattr(Speed, "_start", seen_start)
        line = pretraining.pretrain(config)
    assert happened == [
        "clock starts",  # after the first step
        "report of 500 images",  # after epoch 1; no part of the speed of epoch 2
        "clock starts",
        "report of 500 images",
        "clock starts",
        "report of 2000 images",
    ]
    assert opened == [500, 2000]  # what is opened anew for each report makes a run grow
    assert line["weights_sha256"] == unbroken[0]["weights_sha256"]
    assert line["report"] == str(folder / "report.html")
    assert 'id="relations"' in (folder / "report.html").read_text()


def test_a_report_that_fails_does_not_end_the_run(unbroken, photos, caplog):
    config = Config(**TINY, dataset=f"folder:{photos}", workdir="/nowhere")
    assert refreshed_report.write_report(config) == ""
    assert "the report is not written" in caplog.text
