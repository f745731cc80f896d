"""Weights & Biases, offline: its file holds config, metrics, media and summary."""

import json
import struct
import time

import pytest
import tensorflow as tf

wandb = pytest.importorskip("wandb")
from wandb.proto import wandb_internal_pb2  # noqa: E402

from ressl_tf.engine.trackers.wandb_run import WandB  # noqa: E402

BLOCK, HEADER = 32768, 7  # bytes of LevelDB's log format, which wandb writes


def pieces(data):
    """Yield (type, bytes) of a file's pieces: 1 whole; 2 first, 3 middle, 4 last."""
    assert data[:4] in (b":W&B", b"")
    place = HEADER
    while place < len(data):
        if BLOCK - place % BLOCK < HEADER:
            place += BLOCK - place % BLOCK  # padding
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        place += HEADER
        yield kind, data[place : place + length]
        place += length


def records(folder):
    """Return what wandb would send."""
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    found, begun = [], b""
    for kind, piece in pieces(path.read_bytes()):
        begun = piece if kind in (1, 2) else begun + piece
        if kind in (1, 4):
            found.append(wandb_internal_pb2.Record())
            found[-1].ParseFromString(begun)
    return found


def written(folder, seconds=20):
    """Return the records once the last is there: wandb's service writes behind."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = records(folder)
        if found and found[-1].WhichOneof("record_type") == "exit":
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{folder} has no whole run of wandb")


def values(items):
    """Return the entries of a record: name, with dots between its parts -> value."""
    return {".".join(i.nested_key) or i.key: json.loads(i.value_json) for i in items}


@pytest.mark.slow
def test_an_offline_run_holds_everything(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    tracker = WandB(tmp_path, {"epochs": 7, "color_jitter": [0.1, 0.2]})
    tracker.metrics({"epoch": 1.0, "step": 5, "loss": 2.5})
    path = tmp_path / "views.png"
    path.write_bytes(tf.io.encode_png(tf.zeros((4, 4, 3), tf.uint8)).numpy())
    tracker.picture(path, 1)
    (tmp_path / "report.html").write_text("<p>report</p>")
    tracker.file(tmp_path / "report.html")
    tracker.result({"loss": 1.5, "method": "ressl"})
    tracker.close("finished")
    found = written(tmp_path)

    def of(kind):
        return [getattr(r, kind) for r in found if r.WhichOneof("record_type") == kind]

    (run,) = of("run")
    config = values(run.config.update)
    assert config["epochs"] == 7
    assert config["color_jitter"] == [0.1, 0.2]
    assert (run.project, run.display_name) == ("ressl_tf", tmp_path.name)
    known = json.loads((tmp_path / "trackers.json").read_text())
    assert run.run_id == known["wandb"]
    rows = [values(row.item) for row in of("history")]
    assert (rows[0]["step"], rows[0]["loss"]) == (5, 2.5)
    assert rows[1]["views._type"] == "image-file"
    assert rows[2]["report._type"] == "html-file"
    summary = {}
    for one in of("summary"):
        summary |= values(one.update)
    assert (summary["result/loss"], summary["result/method"]) == (1.5, "ressl")
    (folder,) = tmp_path.glob("wandb/offline-run-*/files/media")
    assert {path.suffix for path in folder.rglob("*.*")} >= {".png", ".html"}
