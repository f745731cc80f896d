"""What is shown of what is written while TensorFlow is loaded."""

import os

import pytest

from ressl_tf.runtime.quiet_import import without_notes

NOTES = (
    "WARNING: All log messages before absl::InitializeLog() is called are written\n"
    "I0000 00:00:1795692811.499551   27798 port.cc:153] oneDNN custom operations\n"
    "E0000 00:00:1795692813.865474   27798 cudart_stub.cc:31] Could not find cuda\n"
)


def write(text):
    os.write(2, text.encode())


def failing_import():
    with without_notes():
        write(NOTES)
        raise ImportError


def test_notes_of_the_library_are_left_out_and_others_shown(capfd):
    with without_notes():
        write(f"{NOTES}DeprecationWarning: old\n")
    write("after\n")
    assert capfd.readouterr().err == "DeprecationWarning: old\nafter\n"


def test_all_is_shown_when_the_import_fails(capfd):
    with pytest.raises(ImportError):
        failing_import()
    assert capfd.readouterr().err == NOTES
