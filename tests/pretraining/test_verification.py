"""A run is verified by its own first steps; a change is found and named."""

import json
import logging
import shutil

import pytest

from ressl_tf.config.verify_config import VerifyConfig
from ressl_tf.pretraining import verification
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def run(unbroken, tmp_path):
    """Return a copy of the tiny run."""
    return shutil.copytree(unbroken[1], tmp_path / "run")


def change(path, edit):
    """Edit a JSON file."""
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


@pytest.mark.slow
def test_a_run_agrees_and_one_of_other_flags_does_not(run, unbroken, photos, tmp_path):
    moved = shutil.copytree(photos, tmp_path / "moved")
    line = verification.verify(
        VerifyConfig(workdir=str(run), dataset=f"folder:{moved}")
    )
    record = json.loads((run / "first_steps.json").read_text())
    assert (line["same"], line["steps"], line["differs"]) == (True, 9, [])
    # Of 9 steps the first ones are all.
    assert line["weights_sha256"] == unbroken[0]["weights_sha256"]
    assert line["weights_sha256"] == record["weights_sha256"]
    change(run / "config.json", lambda flags: flags.update(momentum=0.5))
    old = {"tensorflow": "2.0", "keras": "2.0"}
    change(run / "first_steps.json", lambda r: r["made_with"].update(versions=old))
    with pytest.raises(RunError) as refused:
        verification.verify(VerifyConfig(workdir=str(run)))
    said = str(refused.value)
    assert "after step 9 the weights are others" in said
    assert "flags.momentum: 0.99 -> 0.5" in said
    assert "versions.tensorflow: 2.0 -> " in said
    assert "data" not in said.partition("differs:")[2]
    assert logging.getLogger("ressl_tf").level != logging.WARNING  # as before


def test_the_sheet_of_the_result(unbroken):
    line, folder = unbroken
    kept = json.loads((folder / "result.json").read_text())
    made = kept.pop("made_with")
    assert kept == line
    assert made["data"]["files"] == 26
    assert (made["seed"], made["resumed_after_step"]) == (0, 0)
    assert made["seconds"] > 0
    first = json.loads((folder / "first_steps.json").read_text())["made_with"]
    assert {name: made[name] for name in first} == first


def test_differences_are_named_by_their_place():
    before = {"a": {"b": 1, "c": None}, "d": [1], "e": 5}
    now = {"a": {"b": 2, "c": 3}, "d": [1], "f": ""}
    assert verification.differences(before, now) == [
        "a.b: 1 -> 2",
        "a.c: not there -> 3",
        "e: 5 -> not there",
        "f: not there -> ",
    ]
    assert verification.differences(now, now) == []


def test_what_cannot_be_verified_is_one_line(run, tmp_path):
    def refused(kind, folder=run):
        with pytest.raises(kind) as error:
            verification.verify(VerifyConfig(workdir=str(folder)))
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "Received: " in refused(UsageError, tmp_path / "nowhere")
    change(run / "config.json", lambda flags: flags.update(strategy="multiworker"))
    assert "trained by several processes" in refused(UsageError)
    (run / "first_steps.json").write_text("{}")
    assert "is damaged" in refused(RunError)
    (run / "first_steps.json").unlink()
    assert "begun by an earlier version" in refused(UsageError)
    with pytest.raises(UsageError, match="--workdir=RUN"):
        VerifyConfig()
