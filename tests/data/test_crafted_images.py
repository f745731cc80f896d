"""Images made against decoders are refused or harmless, within bounds of the kernel."""

import os
import subprocess
import sys

import pytest
from helpers import crafted

SECONDS, BYTES = 30, 3_000_000_000  # of the processor; of memory beside TensorFlow's
DECODE_ALL = """
import pathlib, resource, sys
import tensorflow as tf
from ressl_tf.data.decode import decode_any
decode_any(tf.constant(pathlib.Path(sys.argv[1], "first").read_bytes()))
held = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (held + int(sys.argv[3]),) * 2)
used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
resource.setrlimit(resource.RLIMIT_CPU, (used + int(sys.argv[2]),) * 2)
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    print(path.name, flush=True)
    try:
        decode_any(tf.constant(path.read_bytes()))
    except tf.errors.InvalidArgumentError:
        pass
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="limits of Linux")
def test_a_corpus_of_crafted_images_takes_little_time_and_memory(tmp_path):
    for name, data in {**crafted.corpus(), "first": crafted.photo("JPEG")}.items():
        (tmp_path / name).write_bytes(data)
    arguments = str(tmp_path), str(SECONDS), str(BYTES)
    done = subprocess.run(
        [sys.executable, "-c", DECODE_ALL, *arguments], capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert lines[-1:] == ["done"], (lines[-1:], done.returncode, done.stderr[-300:])
