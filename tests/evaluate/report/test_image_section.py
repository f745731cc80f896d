import dataclasses
import types

import numpy as np
import pytest
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.evaluate.report import image_section
from ressl_tf.evaluate.report.relation_snapshots import Snapshot
from ressl_tf.evaluate.report.thumbnails import Sheet


def shown(count=200, splits=None):
    """Return what `shown_images.show` gives of random images."""
    vectors = np.random.default_rng(0).normal(size=(count, 16))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return types.SimpleNamespace(
        features=vectors,
        labels=None,
        label_names=None,
        names=[f"{index}.png" for index in range(count)],
        splits=splits or {"test": count},
        plain=Sheet(count, 8),
        views=("weak", "strong"),
        predictor=False,
        snapshots=[Snapshot(9, unit, unit)],
    )


@pytest.mark.parametrize(
    ("method", "by_relation", "student_temp"),
    [("ressl", True, 0.1), ("mocov2", False, 0.3), ("byol", False, 0.1)],
)
def test_what_learns_from_no_relation_gets_no_advice(method, by_relation, student_temp):
    config = dataclasses.replace(Config(**TINY), method=method, infonce_temp=0.3)
    data = image_section.relation_data(config, shown())
    assert data["trained_by_relation"] == by_relation
    assert bool(data["suitable"]) == by_relation
    assert data["student_temp"] == student_temp  # of MoCo that of InfoNCE


def test_images_know_their_split():
    config = ReportConfig(workdir="a", projection=("pca",))
    run = Config(**TINY)
    data = image_section.image_data(config, run, shown(7, {"test": 3, "train": 4}))
    assert data["splits"] == ["test", "train"]
    assert data["split_of"] == [0, 0, 0, 1, 1, 1, 1]
    assert data["count"] == 7
