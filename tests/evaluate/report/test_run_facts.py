import dataclasses

from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.evaluate.report import run_facts


def test_only_flags_with_a_meaning_that_differ_are_listed():
    run = Config(**TINY)
    flags = {row["flag"]: row for row in run_facts.differing_flags(run)}
    assert flags["--epochs"]["value"] == "3"
    assert flags["--epochs"]["default"] == "200"
    assert "--teacher_temp" not in flags  # 0 stands for the paper's 0.04
    assert "--queue_size" in flags
    byol = dataclasses.replace(run, method="byol", teacher_temp=0.02)
    listed = {row["flag"] for row in run_facts.differing_flags(byol)}
    assert "--method" in listed
    assert not listed & {"--teacher_temp", "--queue_size"}
    colder = dataclasses.replace(run, teacher_temp=0.02)
    (row,) = (
        r for r in run_facts.differing_flags(colder) if r["flag"] == "--teacher_temp"
    )
    assert (row["value"], row["default"]) == ("0.02", "0.04")


def test_the_time_in_steps_is_that_of_the_log():
    run = Config(**TINY)  # batches of 8
    rows = [
        {"step": 0},
        {"step": 100, "images_per_second": 80.0},  # 10 s
        {"step": 400, "images_per_second": 8.0},  # 300 s
    ]
    assert run_facts.duration(run, rows) == (
        "5 min 10 s in steps, without kNN and saving"
    )
    assert run_facts.duration(run, rows[:1]) == "not known"
