"""Images of several classes, and the features of an encoder."""

import csv
import logging

import numpy as np
import pytest

from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.evaluate import features
from ressl_tf.evaluate.multi_label_task import (
    open_multi_label,
    open_splits,
    shown_classes,
)
from ressl_tf.evaluate.task import open_task
from ressl_tf.runtime.errors import UsageError


@pytest.fixture
def listed(photos, tmp_path):
    """Write a list of the 36 photos, in which those of odd numbers are "odd", too."""
    path = tmp_path / "list.csv"
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "labels", "split"])
        for photo in sorted(photos.rglob("*.png")):
            odd = ";odd" if int(photo.stem) % 2 else ""
            row = [photo, photo.parent.name + odd, photo.parents[1].name]
            rows.writerow(row)
    return path


def opened(unbroken, **options):
    return open_multi_label(SVMConfig(workdir=str(unbroken[1]), **options), 8)


@pytest.mark.slow
def test_features_and_classes_of_both_splits(unbroken, listed):
    """Features are those of the other evaluations; photos lie class by class there."""
    task = opened(unbroken, dataset=f"list:{listed}")
    assert task.sizes == {"train_images": 26, "test_images": 10, "feature_dim": 32}
    assert task.train.names == task.test.names == ("blue", "odd", "red")
    np.testing.assert_array_equal(task.train.states.sum(axis=0), [13, 12, 13])
    np.testing.assert_array_equal(task.test.states.sum(axis=0), [5, 4, 5])
    same = open_task(SVMConfig(workdir=str(unbroken[1])))
    known, labels = features.extract(
        same.encoder.feature_model(), same.batches(same.train)
    )
    assert same.label_names == ("blue", "red")
    np.testing.assert_allclose(task.train_features, known, rtol=1e-4)
    np.testing.assert_array_equal(task.train.states[:, 2], labels)


def splits(unbroken, **options):
    """Return what the images of both splits show; no feature is computed."""
    config = SVMConfig(workdir=str(unbroken[1]), cache="none", **options)
    return [shown_classes(source) for source in open_splits(config, 3)]


def test_one_class_an_image_is_taken_too(unbroken, photos, caplog):
    caplog.set_level(logging.INFO, "ressl_tf")
    train, test = splits(unbroken, dataset=f"folder:{photos}/train")
    assert train.names == ("blue", "red")
    assert train.states.sum(axis=0).tolist() == [11, 11]
    assert test.states.sum(axis=0).tolist() == [2, 2]
    assert "a tenth of the images is held out" in caplog.text


def test_a_tenth_is_held_out_of_several_classes_too(unbroken, listed):
    listed.write_text(listed.read_text().replace(",test", ",train"))
    train, test = splits(unbroken, dataset=f"list:{listed}")
    assert [len(train.states), len(test.states)] == [32, 4]
    assert (train.states == 1).any(axis=0).all()


@pytest.mark.slow
def test_a_cache_on_the_disk_has_the_same_classes(unbroken, listed, tmp_path):
    dataset = f"list:{listed}"
    config = SVMConfig(
        workdir="x", dataset=dataset, cache="disk", cache_dir=str(tmp_path / "cache")
    )
    for cached, plain in zip(
        map(shown_classes, open_splits(config, 3)),
        splits(unbroken, dataset=dataset),
        strict=True,
    ):
        np.testing.assert_array_equal(cached.states, plain.states)


@pytest.mark.slow
def test_random_weights_give_other_features(unbroken, listed):
    one, other = (
        opened(unbroken, dataset=f"list:{listed}", untrained=untrained)
        for untrained in (False, True)
    )
    assert not np.allclose(one.train_features, other.train_features)


def test_images_without_classes_are_said_in_one_line(unbroken, listed):
    with pytest.raises(UsageError, match=r"does not say which classes.*column labels"):
        splits(unbroken, dataset=f"list:{listed}", labels="none")
    lines = listed.read_text().splitlines()
    (listed.parent / "empty.csv").write_text(
        "\n".join(
            ["path,label,split", *(f"{x.split(',')[0]},,train" for x in lines[1:])]
        )
    )
    with pytest.raises(UsageError, match="does not say which classes its images show"):
        splits(unbroken, dataset=f"list:{listed.parent}/empty.csv")
