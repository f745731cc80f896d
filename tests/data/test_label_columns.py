"""Columns of a list that say which classes an image shows."""

import logging

import pytest

from ressl_tf.data.label_columns import several_labels


def test_a_column_of_labels_has_marks_between_them():
    table = {
        "path": ["1", "2", "3", "4"],
        "labels": ["dog; person", "", "cat|dog|dog", "person"],
        "cat": ["0", "0", "0", "0"],  # not read beside it
    }
    labels = several_labels(table)
    assert labels.names == ("cat", "dog", "person")
    assert labels.states.tolist() == [[0, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_a_column_of_each_class_has_numbers(caplog):
    caplog.set_level(logging.INFO, "ressl_tf")
    table = {
        "path": ["1", "2", "3"],
        "split": ["1", "1", "0"],
        "Edema": ["1.0", "", "-1.0"],
        "age": ["54", "1", "0"],
        "Mass": ["False", "0", "True"],
        "Never": ["0", "0", "0"],
    }
    labels = several_labels(table)
    assert labels.names == ("Edema", "Mass")
    assert labels.states.tolist() == [[1, 0], [0, 0], [-1, 1]]
    assert "no class, with 1, 0, -1: age, Never" in caplog.text


@pytest.mark.parametrize("column", ["labels", "label", "width", "split"])
def test_other_columns_say_nothing_of_several_classes(column):
    values = ["", ""] if column == "labels" else ["7", "9"]
    assert several_labels({"path": ["1", "2"], column: values}) is None
