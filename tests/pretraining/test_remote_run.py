"""A run whose photos and folder lie behind addresses equals one of this machine."""

import shutil
import uuid

import pytest
import tensorflow as tf
from helpers.models import TINY

import ressl_tf


@pytest.fixture(scope="module")
def uploaded(photos):
    address = f"ram://{uuid.uuid4().hex}"
    for path in photos.rglob("*.png"):
        target = f"{address}/photos/{path.relative_to(photos)}"
        tf.io.gfile.makedirs(target.rpartition("/")[0])
        tf.io.gfile.copy(str(path), target)
    return address


@pytest.mark.slow
def test_it_goes_on_elsewhere_and_is_evaluated(
    uploaded, unbroken, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data, out = f"{uploaded}/photos", f"{uploaded}/run"
    steps = unbroken[0]["steps"]
    first = ressl_tf.pretrain(data=data, out=out, **TINY, max_steps=steps - 1)
    assert first["workdir"] == out
    assert first.workdir == tmp_path / "ressl_tf/remote" / out.replace("://", "/")
    shutil.rmtree(tmp_path / "ressl_tf")  # what another machine does not have
    whole = ressl_tf.pretrain(data=data, out=out, **TINY)
    same = ("weights_sha256", "loss", "knn_top1", "images", "steps")
    assert {n: whole[n] for n in same} == {n: unbroken[0][n] for n in same}
    assert [row["step"] for row in whole.history][-1] == steps
    assert ressl_tf.knn(out, knn_k=TINY["knn_k"])["top1"] == whole["knn_top1"]
    assert tf.io.gfile.exists(f"{out}/knn/result.json")
    assert tf.io.gfile.exists(f"{out}/checkpoints/step-{steps:09d}.npz")
