"""SavedModels whose graph reaches for files are refused, and never run."""

import json

import pytest
import tensorflow as tf

from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import graph_ops, saved_model
from ressl_tf.saving.pretrained import open_pretrained


def root(function):
    module = tf.train.Checkpoint(weight=tf.Variable(1.0))
    module.serve = tf.function(
        function, input_signature=[tf.TensorSpec([None], tf.float32)]
    )
    return module


def write(tmp_path):
    def serve(x):
        tf.io.write_file(str(tmp_path / "written"), "by a model")
        return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), x.dtype)

    return serve


def save(tmp_path, function=tf.identity):
    tf.saved_model.save(root(function), str(tmp_path / "model"))
    return tmp_path / "model"


def test_a_plain_graph_has_none(tmp_path):
    assert graph_ops.reaching(save(tmp_path)) == []


def test_files_in_a_graph_are_found(tmp_path):
    folder = save(tmp_path, write(tmp_path))
    assert graph_ops.reaching(folder) == ["ReadFile", "WriteFile"]
    with pytest.raises(UsageError, match=r"run code: ReadFile, WriteFile; ressl_tf"):
        graph_ops.check(folder)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: tf.py_function(lambda y: y, [x], x.dtype), "EagerPyFunc"),
        (lambda x: (tf.print(x, output_stream="file://x"), x)[1], "PrintV2"),
        (lambda x: (tf.raw_ops.MatchingFiles(pattern="/*"), x)[1], "MatchingFiles"),
        (
            lambda x: tf.raw_ops.RestoreV2(
                prefix="/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[x.dtype]
            )[0],
            "RestoreV2",
        ),
    ],
)
def test_other_ways_out_of_a_graph_are_found(tmp_path, function, name):
    assert graph_ops.reaching(save(tmp_path, function)) == [name]


def test_opening_an_export_of_such_a_graph_is_refused_and_runs_nothing(tmp_path):
    folder = save(tmp_path, write(tmp_path))
    about = {"image_size": 8, "config": {}}
    metadata = {"about": about, "model": {}, "sha256": saved_model._hashes(folder)}
    (folder / saved_model.METADATA).write_text(json.dumps(metadata))
    with pytest.raises(UsageError, match="ReadFile, WriteFile"):
        open_pretrained(str(folder))
    assert not (tmp_path / "written").exists()


def test_a_damaged_graph_is_one_line(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 99)
    with pytest.raises(UsageError, match=r"damaged: saved_model.pb cannot be read"):
        graph_ops.reaching(tmp_path)
