"""TFRecords of encoded images that others wrote."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.photos import flat

from ressl_tf.data.load import load_source
from ressl_tf.data.record_shards import RecordShards
from ressl_tf.runtime.errors import UsageError


def example(number, image="image/encoded", label="image/class/label"):
    def feature(value):
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    encoded = tf.io.encode_png(flat(number, 4 + number % 3)).numpy()
    features = {image: feature(encoded), label: feature(number % 4)}
    features = {name: f for name, f in features.items() if name}
    return tf.train.Example(features=tf.train.Features(feature=features))


def write(path, numbers, **names):
    with tf.io.TFRecordWriter(str(path)) as file:
        for number in numbers:
            file.write(example(number, **names).SerializeToString())


def first_values(source):
    images = (source.read(row)[0] for row in range(source.size))
    return [int(tf.io.decode_png(image)[0, 0, 0]) for image in images]


def test_images_labels_and_splits(tmp_path):
    write(tmp_path / "train-0.tfrecord", range(5))
    write(tmp_path / "train-1.tfrecord", range(5, 7))
    write(tmp_path / "validation-0.tfrecord", range(7, 9))
    source = load_source(f"tfrecord:{tmp_path}", "train")
    assert [int(source.example(i)[0][0, 0, 0]) for i in range(7)] == list(range(7))
    np.testing.assert_array_equal(source.all_labels(), np.arange(7) % 4)
    assert source.label_names == ("0", "1", "2", "3")
    assert source.example_name(6) == f"{tmp_path}/train-1.tfrecord, record 1"
    rest = RecordShards(f"{tmp_path}/val*", "validation")
    assert first_values(rest) == [7, 8]


def test_other_names_and_no_labels(tmp_path):
    write(tmp_path / "a.tfrec", range(3), image="jpg", label="")
    source = RecordShards(f"{tmp_path}", "train")
    assert source.label_names is None
    assert first_values(source) == [0, 1, 2]


def test_what_is_refused(tmp_path):
    path = tmp_path / "a.tfrecord"
    write(path, range(3), image="picture")
    with pytest.raises(
        UsageError, match=r"no feature image/encoded.*only: image/class"
    ):
        RecordShards(f"{path}", "train")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UsageError, match="its records do not end with it"):
        RecordShards(f"{path}", "train")
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(b"\xff\xff")
    with pytest.raises(UsageError, match="holds no Examples"):
        RecordShards(f"{path}", "train")


@pytest.mark.parametrize("label", [2**31 - 1, 2**40, 10**6])
def test_a_label_that_is_no_number_of_a_class_is_refused(tmp_path, label):
    """A name for each number below it would fill the memory."""
    write_label(tmp_path / "train.tfrecord", label)
    with pytest.raises(UsageError, match=rf"below 1000000. Received: {label}"):
        RecordShards(str(tmp_path), "train")


def test_a_label_below_0_is_none(tmp_path):
    write_label(tmp_path / "train.tfrecord", -(2**40))
    source = RecordShards(str(tmp_path), "train")
    np.testing.assert_array_equal(source.all_labels(), [0, -1])


def test_a_damaged_record_is_one_line(tmp_path):
    write(tmp_path / "train.tfrecord", range(3))
    data = bytearray((tmp_path / "train.tfrecord").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "train.tfrecord").write_bytes(data)
    with pytest.raises(UsageError, match=r"labels of .* cannot be read: corrupted rec"):
        RecordShards(str(tmp_path), "train")


def write_label(path, label):
    made = example(0)
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(made.SerializeToString())
        made.features.feature["image/class/label"].int64_list.value[0] = label
        file.write(made.SerializeToString())
