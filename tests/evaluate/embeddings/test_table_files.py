"""Features in Parquet, CSV and TFRecord files, read back by other libraries."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from helpers.embedding import table

from ressl_tf.evaluate.embeddings import table_files

FEATURES = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
NAMES, LABELS = ["a", "b,\n", 'c"', "d", "e"], [0, -1, 1, 0, 1]
CLASSES = ["cat", None, "dog", "cat", "dog"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_parquet(tmp_path, dtype):
    features = FEATURES.astype(dtype)
    table_files.write_parquet(tmp_path / "x", table(NAMES, LABELS, features))
    columns = pq.read_table(tmp_path / "x").to_pydict()
    np.testing.assert_array_equal(np.array(columns["features"], dtype), features)
    assert columns["path"] == NAMES
    assert columns["label"] == [0, None, 1, 0, 1]
    assert columns["class"] == CLASSES
    found = table_files.read_parquet(tmp_path / "x")
    np.testing.assert_array_equal(found["features"], features)
    assert found["features"].dtype == dtype
    assert found["labels"].tolist() == LABELS
    assert found["label_names"].tolist() == ["cat", "dog"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_csv_keeps_every_number(tmp_path, dtype):
    features = FEATURES.astype(dtype)
    table_files.write_csv(tmp_path / "x.csv", table(NAMES, LABELS, features))
    with open(tmp_path / "x.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == NAMES
    assert [row["label"] for row in rows] == ["0", "", "1", "0", "1"]
    assert [row["class"] or None for row in rows] == CLASSES
    numbers = [[row[f"f{i}"] for i in range(3)] for row in rows]
    np.testing.assert_array_equal(np.array(numbers).astype(dtype), features)


def test_tfrecord(tmp_path):
    names = [*NAMES[:4], "caf\udce9"]
    table_files.write_tfrecord(tmp_path / "x", table(names, LABELS, FEATURES))
    examples = [
        tf.train.Example.FromString(record.numpy()).features.feature
        for record in tf.data.TFRecordDataset(str(tmp_path / "x"))
    ]
    numbers = [example["features"].float_list.value for example in examples]
    np.testing.assert_array_equal(np.array(numbers, np.float32), FEATURES)
    assert examples[4]["path"].bytes_list.value[0] == b"caf\xe9"
    assert "label" not in examples[1]
    assert examples[2]["label"].int64_list.value[0] == 1
