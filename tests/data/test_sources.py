"""Parts of a source, and errors of reading that name their file."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers.numbered import in_memory, labelled, streamed
from helpers.photos import flat, write

from ressl_tf.data.load import load_source
from ressl_tf.data.unreadable import bad_images_as_run_errors


def test_other_errors_pass():
    with pytest.raises(tf.errors.NotFoundError), bad_images_as_run_errors():
        tf.io.read_file("/nowhere/at/all")


def test_some_examples_of_a_source_are_a_source(folder):
    rows = np.array([7, 3, 20])
    for source in (in_memory(30), streamed(folder)):
        few = source.take(rows)
        assert few.size == 3
        np.testing.assert_array_equal(few.all_labels(), source.all_labels()[rows])
        shown, labels = labelled(few, batch_size=3, stop_step=2)
        np.testing.assert_array_equal(np.sort(shown), np.sort([rows, rows]))
        order = dict(zip(rows, few.all_labels(), strict=True))
        assert [[order[n] for n in row] for row in shown] == labels.tolist()


@pytest.mark.parametrize("cache", ["auto", "none"])
def test_images_have_the_names_of_their_files(tmp_path, cache):
    for number in range(6):
        write(tmp_path / f"{number}.png", flat(number))
    write(tmp_path / "1.png", b"bad")
    options = {"cache": cache, "on_bad_image": "skip"}
    source = load_source(f"folder:{tmp_path}", "train", **options)
    assert source.example_name(1) == str(tmp_path / "2.png")
    some = source.take(np.array([4, 2])).take(np.array([1]))
    assert some.example_name(0) == str(tmp_path / "3.png")
    assert int(some.example(tf.constant(0))[0][0, 0, 0]) == 3


def test_a_stream_says_how_to_get_its_images(folder):
    with pytest.raises(AttributeError, match=r"example\(i\) gives one"):
        _ = streamed(folder).images


class ReadOnce:
    """The rows of a source: one by one they take a millisecond each."""

    def __init__(self, rows):
        self.rows, self.reads = rows, 0

    def numpy(self):
        self.reads += 1
        return self.rows


def test_a_million_names_are_not_asked_of_tensorflow_one_by_one(folder):
    source = load_source(f"folder:{folder}", "train")
    names = [source.example_name(index) for index in range(source.size)]
    rows = ReadOnce(source.rows.numpy()[::-1])
    turned = dataclasses.replace(source, rows=rows)
    assert [turned.example_name(index) for index in range(source.size)] == names[::-1]
    assert rows.reads == 1
