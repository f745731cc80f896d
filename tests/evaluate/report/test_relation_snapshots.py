"""Stored embeddings are those of the training step, at the checkpoint."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.data.load import load_source
from ressl_tf.data.ordered_views import ordered_view_batches
from ressl_tf.engine.checkpoint import Checkpoints, weights_sha256
from ressl_tf.evaluate.report import relation_snapshots
from ressl_tf.evaluate.report.thumbnails import Sheet
from ressl_tf.methods.build import build_model
from ressl_tf.saving.pretrained import stored_config


@pytest.mark.slow
def test_embeddings_are_those_of_the_step(unbroken, photos):
    config = stored_config(unbroken[1])
    source = load_source(f"folder:{photos}", "test")
    path = Checkpoints(unbroken[1] / "checkpoints").paths()[-1]
    sheets = Sheet(source.size, 16), Sheet(source.size, 16)
    model = build_model(config)
    drawing = relation_snapshots.Drawing(model, config, [source], seed=0)
    (made,) = relation_snapshots.snapshots(model, drawing, [path], sheets)
    assert made.step == 9
    assert made.teacher.shape == made.student.shape == (10, 8)
    arrays = dict(np.load(path))
    model = build_model(config)
    for name, network in model.networks.items():
        for index, variable in enumerate(network.variables):
            variable.assign(arrays[f"{name}/{index:03d}"])
    batches = ordered_view_batches(source, model.views, 8, 0)
    teacher, student = [], []
    for views in batches:
        target = model.target(views["weak"], training=True)
        teacher.append(tf.math.l2_normalize(target, axis=-1))
        online = model.online(views["strong"], training=True)
        student.append(tf.math.l2_normalize(online, axis=-1))
    np.testing.assert_allclose(made.teacher, np.concatenate(teacher)[:10], atol=1e-5)
    np.testing.assert_allclose(made.student, np.concatenate(student)[:10], atol=1e-5)
    assert not np.allclose(made.teacher, made.student, atol=1e-2)
    assert sheets[0].filled == sheets[1].filled == 10


def test_batches_have_the_statistics_of_a_step():
    config = Config(**TINY)
    sizes = {}
    for name, changes, count in (
        ("all", {}, 100),
        ("few", {}, 3),
        ("micro", {"gradient_accumulation": 2}, 100),
        ("large", {"batch_size": 4096}, 2000),
        ("split", {"batch_norm": "split", "batch_size": 64}, 50),
    ):
        changed = dataclasses.replace(config, **changes)
        sizes[name] = relation_snapshots.batch_size(changed, count)
    assert sizes == {"all": 8, "few": 8, "micro": 4, "large": 256, "split": 48}


def test_checkpoints_fit_into_the_page(tmp_path):
    paths = [tmp_path / str(index) for index in range(5)]

    def kept(most, count, dim, weights=10):
        network = types.SimpleNamespace(count_params=lambda: weights)
        model = types.SimpleNamespace(embedding_dim=dim, networks={"online": network})
        return len(relation_snapshots.fitting(paths, most, count, model))

    assert (kept(3, 1000, 64), kept(3, 2000, 128), kept(1, 10, 8)) == (3, 1, 1)
    assert kept(5, 20_000, 64) == 5  # in a folder beside the page
    assert kept(5, 100, 8, weights=2**28) == 2  # 1 GiB each


@pytest.mark.slow
def test_a_borrowed_model_gets_its_weights_back(unbroken, photos):
    config = stored_config(unbroken[1])
    model = build_model(config)
    before = weights_sha256(model)
    sources = [load_source(f"folder:{photos}", split) for split in ("test", "train")]
    count = sum(source.size for source in sources)
    sheets = Sheet(count, 16), Sheet(count, 16)
    paths = Checkpoints(unbroken[1] / "checkpoints").paths()
    model.gradient_accumulation = 2
    with relation_snapshots.borrowed(model):
        drawing = relation_snapshots.Drawing(model, config, sources, 0)
        made = relation_snapshots.snapshots(model, drawing, paths, sheets)
        assert weights_sha256(model) != before
    assert (weights_sha256(model), model.gradient_accumulation) == (before, 2)
    assert [snapshot.step for snapshot in made] == [3, 6, 9]
    assert made[0].teacher.shape == (36, 8)
    drawing = relation_snapshots.Drawing(model, config, sources[1:], 0)
    alone = relation_snapshots.snapshots(
        model, drawing, paths[-1:], (Sheet(26, 16), Sheet(26, 16))
    )
    # Batches are of one split: its embeddings do not depend on the other.
    np.testing.assert_allclose(made[-1].student[10:], alone[0].student, atol=1e-5)
    assert sheets[0].filled == sheets[1].filled == 36


def test_views_of_the_methods():
    class Model:
        online_views, target_views = ("query", "mixed"), ("key", "weak")

    assert relation_snapshots.view_pair(Model) == ("weak", "query")
    Model.online_views = Model.target_views = ("strong1", "strong2")
    assert relation_snapshots.view_pair(Model) == ("strong2", "strong1")
