"""Several classes an image in TFDS, in the features that `voc` has."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from ressl_tf.data.load import load_source
from ressl_tf.data.tfds import Records

CLASSES = ("aeroplane", "bicycle", "bird")
SHOWN = [[0, 2], [1], [], [0, 1, 2], [2]]  # of image 0, 1, ...
CLEAR = [[2], [1], [], [0, 1], [2]]  # without those that are difficult


class ResslVoc(tfds.core.GeneratorBasedBuilder):
    """The features of voc/2007, but for the boxes of its objects."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name) for name in ("2007", "plain", "texts")
    ]
    code_path = None

    def _info(self):
        names = tfds.features.Sequence(tfds.features.ClassLabel(names=CLASSES))
        if self.builder_config.name == "texts":
            names = tfds.features.Sequence(tfds.features.Text())
        features = {
            "image": tfds.features.Image(),
            "image/filename": tfds.features.Text(),
            "labels": names,
        }
        if self.builder_config.name == "2007":
            features["labels_no_difficult"] = names
        features = tfds.features.FeaturesDict(features)
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        splits = {"train": range(2), "validation": range(2, 3), "test": range(3, 5)}
        return {split: self._generate_examples(rows) for split, rows in splits.items()}

    def _generate_examples(self, rows):
        for i in rows:
            example = {"image": np.full((4, 4, 3), i, np.uint8), "labels": SHOWN[i]}
            if self.builder_config.name == "texts":
                example["labels"] = [CLASSES[n] for n in SHOWN[i]]
            if self.builder_config.name == "2007":
                example["labels_no_difficult"] = CLEAR[i]
            yield i, {**example, "image/filename": f"{i}.jpg"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("voc")
    for config in ("2007", "plain", "texts"):
        ResslVoc(config=config, data_dir=data_dir).download_and_prepare()
    return str(data_dir)


def states(prepared, config, split):
    """Return image number -> states, as a source of this split has them."""
    source = load_source(
        f"ressl_voc/{config}", split, data_dir=prepared, memory_limit=0
    )
    assert isinstance(source.encoded, Records)
    assert source.label_names is None  # no single class an image
    labels = source.encoded.multi_labels()
    assert labels.names == CLASSES
    numbers = [int(source.example(row)[0][0, 0, 0]) for row in range(source.size)]
    return dict(zip(numbers, labels.states.tolist(), strict=True))


def test_what_is_difficult_counts_neither_way(prepared):
    assert states(prepared, "2007", "train+validation") == {
        0: [-1, 0, 1],
        1: [0, 1, 0],
        2: [0, 0, 0],
    }
    assert states(prepared, "2007", "test") == {3: [1, 1, -1], 4: [0, 0, 1]}


def test_without_a_second_feature_all_that_is_shown_counts(prepared):
    assert states(prepared, "plain", "test") == {3: [1, 1, 1], 4: [0, 0, 1]}


def test_labels_that_are_no_classes_are_none(prepared):
    source = load_source("ressl_voc/texts", "test", data_dir=prepared, memory_limit=0)
    assert source.encoded.multi_labels() is None
    source = load_source(
        "ressl_voc/2007", "test", data_dir=prepared, memory_limit=0, labels="none"
    )
    assert source.encoded.multi_labels() is None
