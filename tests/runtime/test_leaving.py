"""The end of a process, alone and as one of several workers."""

import subprocess
import sys

import pytest

BODY = """
import atexit, sys
from ressl_tf.runtime import leaving
atexit.register(print, "the end of Python")
if {several}:
    leaving.among_workers()
sys.exit(leaving.by({status}))
"""


@pytest.mark.parametrize(
    ("several", "status", "said"),
    [
        (True, 1, ""),  # what TensorFlow does at the end is left out
        (True, 143, ""),
        (True, 0, "the end of Python"),
        (False, 1, "the end of Python"),
    ],
)
def test_a_worker_that_failed_ends_at_once(several, status, said):
    command = [sys.executable, "-c", BODY.format(several=several, status=status)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (status, said)
