"""Features in Parquet, CSV and TFRecord files, written block by block."""

import csv
import importlib
import json
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.evaluate.embeddings.table import Table
from ressl_tf.runtime.errors import UsageError

DIGITS = {"float16": "%.5g", "float32": "%.9g"}  # that give the same number back


def pyarrow() -> Any:
    """Import pyarrow, which is optional.

    Raises:
        UsageError: it is not installed.
    """
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise UsageError(
            "Parquet files need pyarrow: pip install 'ressl_tf[parquet]'"
        ) from None


def write_parquet(path: pathlib.Path, table: Table) -> None:
    """Write the columns path, label, class and features, a list of fixed length.

    The schema's metadata holds `about` and `label_names` as JSON.
    """
    arrow = pyarrow()
    number = arrow.from_numpy_dtype(table.dtype)
    columns = {
        "path": arrow.string(),
        "label": arrow.int32(),
        "class": arrow.string(),
        "row": arrow.int64(),
        "features": arrow.list_(number, table.shape[1]),
    }
    metadata = {
        "about": json.dumps(table.about),
        "label_names": json.dumps(table.label_names),
    }
    schema = arrow.schema(list(columns.items()), metadata)
    with arrow.parquet.ParquetWriter(path, schema) as writer:
        for start, stop, block in table:
            numbers = arrow.array(block.reshape(-1), number)
            features = arrow.FixedSizeListArray.from_arrays(numbers, table.shape[1])
            labels = table.labels[start:stop]
            arrays = [
                arrow.array([_text(name) for name in table.names(start, stop)]),
                arrow.array(labels, arrow.int32(), mask=labels < 0),
                arrow.array(table.classes(start, stop), arrow.string()),
                arrow.array(table.rows[start:stop]),
                features,
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def read_parquet(path: pathlib.Path) -> dict[str, Any]:
    """Read a file of `write_parquet` into memory, as `npz_file.read` does."""
    arrow = pyarrow()
    columns = arrow.parquet.read_table(path)
    metadata = columns.schema.metadata or {}
    lists = columns["features"].combine_chunks()
    width = lists.type.list_size
    return {
        "features": lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, width),
        "paths": np.array(columns["path"].to_pylist(), np.str_),
        "labels": columns["label"].fill_null(-1).to_numpy(),
        "rows": columns["row"].to_numpy(),
        "label_names": np.array(json.loads(metadata[b"label_names"]), np.str_),
        "about": np.array(metadata[b"about"].decode()),
    }


def write_csv(path: pathlib.Path, table: Table) -> None:
    """Write the columns path, label, class and a column for each feature."""
    digits = DIGITS[table.dtype.name]
    features = [f"f{i}" for i in range(table.shape[1])]
    # The bytes of a name that are no text pass as they are.
    encoding: Any = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
    with open(path, "w", **encoding) as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "class", *features])
        for start, stop, block in table:
            labels = table.labels[start:stop].tolist()
            rows = zip(
                *(table.names(start, stop), labels, table.classes(start, stop), block),
                strict=True,
            )
            for name, label, class_name, numbers in rows:
                shown = label if label >= 0 else ""
                texts = [digits % number for number in numbers.tolist()]
                writer.writerow([name, shown, class_name or "", *texts])


def write_tfrecord(path: pathlib.Path, table: Table) -> None:
    """Write `tf.train.Example`s of path, label, class and features.

    An image without a label has neither label nor class.
    """
    with tf.io.TFRecordWriter(str(path)) as writer:
        for start, stop, block in table:
            names, classes = table.names(start, stop), table.classes(start, stop)
            labels = table.labels[start:stop].tolist()
            rows = zip(names, labels, classes, block, strict=True)
            for name, label, class_name, numbers in rows:
                found = {"path": _bytes(name), "features": _floats(numbers)}
                if label >= 0:
                    integers = tf.train.Int64List(value=[label])
                    found["label"] = tf.train.Feature(int64_list=integers)
                if class_name is not None:
                    found["class"] = _bytes(class_name)
                features = tf.train.Features(feature=found)
                example = tf.train.Example(features=features)
                writer.write(example.SerializeToString())


def _bytes(name: str) -> tf.train.Feature:
    values = tf.train.BytesList(value=[os.fsencode(name)])
    return tf.train.Feature(bytes_list=values)


def _floats(numbers: np.ndarray) -> tf.train.Feature:
    values = tf.train.FloatList(value=numbers.astype(np.float32))
    return tf.train.Feature(float_list=values)


def _text(name: str) -> str:
    r"""Return a name as UTF-8 can hold it; bytes that are no text become \xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
