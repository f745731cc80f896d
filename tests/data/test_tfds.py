"""Data sets of TensorFlow Datasets, read as it reads them."""

import os
import time

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from helpers.photos import values

from ressl_tf.data.load import load_source
from ressl_tf.runtime.errors import RunError, UsageError


class ResslMock(tfds.core.GeneratorBasedBuilder):
    """Grey images whose value is their number, in shards, with more features."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name) for name in ("class", "plain", "sound")
    ]
    code_path = None

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 1)),
            "caption": tfds.features.Text(),
            "kind": tfds.features.ClassLabel(names=["even", "odd"]),
        }
        if self.builder_config.name == "sound":
            del features["image"]
        keys = ("image", "kind") if self.builder_config.name == "class" else None
        features = tfds.features.FeaturesDict(features)
        return tfds.core.DatasetInfo(
            builder=self, features=features, supervised_keys=keys
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(40),
            "test": self._generate_examples(5),
        }

    def _generate_examples(self, count):
        for i in range(count):
            example = {"caption": "x" * i, "kind": i % 2}
            if self.builder_config.name != "sound":
                example["image"] = np.full((4, 4, 1), i, np.uint8)
            yield i, example


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("tfds")
    for config in ("class", "plain", "sound"):
        writer = tfds.download.DownloadConfig(num_shards=3)
        builder = ResslMock(config=config, data_dir=data_dir)
        builder.download_and_prepare(download_config=writer)
    return str(data_dir)


def tfds_order(data_dir, split):
    read = tfds.ReadConfig(interleave_cycle_length=1)
    builder = tfds.builder("ressl_mock/class", data_dir=data_dir)
    dataset = builder.as_dataset(split=split, read_config=read)
    return [int(e["image"][0, 0, 0]) for e in tfds.as_numpy(dataset)]


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "train[10%:55%]", "test+train[:3]"])
def test_tfds_splits_are_read_as_tfds_reads_them(prepared, split):
    expected = tfds_order(prepared, split)
    source = load_source("ressl_mock/class", split, data_dir=prepared)
    assert values(source) == expected
    assert source.labels.tolist() == [v % 2 for v in expected]
    assert source.label_names == ("even", "odd")
    assert source.image_shape == (4, 4, 3)
    stream = load_source("ressl_mock", split, data_dir=prepared, memory_limit=0)
    assert split != "train" or len(stream.encoded.files) == 3
    examples = [stream.example(tf.constant(i, tf.int64)) for i in range(stream.size)]
    assert [int(image[0, 0, 0]) for image, _ in examples] == expected
    assert [int(label) for _, label in examples] == [v % 2 for v in expected]


def test_tfds_without_a_class_has_no_labels(prepared):
    source = load_source("ressl_mock/plain", "test", data_dir=prepared)
    assert (source.label_names, source.labels.tolist()) == (None, [-1] * 5)


def test_what_is_wrong_with_a_tfds_name_is_said_in_one_line(prepared):
    cases = [
        ("cifer10", "train", "such as cifar10.*Received: 'cifer10'"),
        ("cifar10", "train", "not prepared in .*cifar10.*--download"),
        ("mnist_corrupted/nope", "train", "cannot open 'mnist_corrupted/nope'"),
        ("two words?", "train", "cannot open 'two words.'"),
        ("ressl_mock/class", "valid", "splits train, test.*Received: 'valid'"),
        ("ressl_mock/class", "train[:x%]", r"Received: 'train\[:x%\]'"),
        ("ressl_mock/class", "train[:0]", r"Received: 'train\[:0\]'"),
        ("ressl_mock/sound", "train", "no feature 'image'.*caption, kind"),
    ]
    start = time.monotonic()
    for name, split, message in cases:
        with pytest.raises(UsageError, match=message) as error:
            load_source(name, split, data_dir=prepared)
        assert "\n" not in str(error.value)
    assert time.monotonic() - start < 10


def test_an_address_of_all_data_sets_is_refused(monkeypatch):
    """TFDS would wait for it, and end in a traceback."""
    monkeypatch.setenv("TFDS_DATA_DIR", "gs://bucket/tfds")
    with pytest.raises(UsageError, match=r"^TFDS_DATA_DIR must be a path"):
        load_source("cifar10", "train")


def test_a_data_dir_that_is_a_file_or_closed_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cifar10"):
        load_source("cifar10", "train", data_dir=str(tmp_path / "file"))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tfds, "builder", refuse)
    with pytest.raises(UsageError, match=r"open 'cifar10': .*Permission denied"):
        load_source("cifar10", "train")


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch):
    def fail(self, **_):
        raise OSError("no network\nand a long story")

    monkeypatch.setattr(ResslMock, "download_and_prepare", fail)
    with pytest.raises(RunError, match="Cannot prepare 'ressl_mock': OSError: no netw"):
        load_source("ressl_mock", "train", data_dir=str(tmp_path), download=True)


def test_all_labels_of_records_are_those_of_their_examples(prepared):
    stream = load_source("ressl_mock/class", "train", data_dir=prepared, memory_limit=0)
    labels = stream.all_labels()
    expected = [int(stream.example(row)[1]) for row in range(stream.size)]
    assert labels.tolist() == expected
    assert set(expected) == {0, 1}


@pytest.mark.slow
def test_tfds_sets_are_cached_on_disk(prepared, tmp_path):
    """Each part of a split on its own, in its order; a new version anew."""
    caches = tmp_path / "caches"
    for split in ("train[:10]", "train[:10%]", "test+train[:3]"):
        options = {"data_dir": prepared, "cache_dir": str(caches)}
        cached = load_source("ressl_mock/class", split, cache="disk", **options)
        plain = load_source("ressl_mock/class", split, cache="none", **options)
        assert cached.size == plain.size
        for row in range(plain.size):
            image, label = plain.example(row)
            np.testing.assert_array_equal(cached.example(row)[0], image)
            assert cached.example(row)[1] == label
        assert cached.all_labels().tolist() == plain.all_labels().tolist()
        assert cached.encoded.name == "ressl_mock/class"
    names = [path.name[:-17] for path in caches.iterdir() if path.name[0] != "."]
    assert sorted(names) == ["class-test_train_3_", *["class-train_10_"] * 2]
    os.utime(plain.encoded.files[0])
    load_source("ressl_mock/class", split, cache="disk", **options)
    assert len([p for p in caches.iterdir() if p.name[0] != "."]) == 4


def test_a_set_of_the_community_is_not_fetched(monkeypatch):
    """Its name stands for code elsewhere."""
    monkeypatch.setattr(tfds, "builder", None)
    for name in ("huggingface:mnist", "kaggle:cats/config", "ns:a:1.0.0"):
        with pytest.raises(UsageError, match=f"Unknown data set.*'{name}'"):
            load_source(name, "train")
