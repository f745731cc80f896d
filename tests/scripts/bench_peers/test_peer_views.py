"""Workers of the peers, and the process that serves them."""

import pathlib
import subprocess
import sys

import numpy as np
import peer_views

from ressl_tf.benchmarks import view_speed


def test_workers_apply_all_transforms_and_count_images():
    images = np.zeros((peer_views.CHUNK, 2, 2, 3), np.uint8)
    seen = []
    done = peer_views.transform([seen.append, seen.append], list(images), seconds=1e-9)
    assert done == peer_views.CHUNK
    assert len(seen) == 2 * done


def test_sources_are_as_large_as_ours():
    assert peer_views.SOURCES == view_speed.SOURCES


def test_the_script_answers_each_line_with_a_rate(tmp_path):
    done = subprocess.run(
        [sys.executable, peer_views.__file__, "pil", "pair", "32"],
        input="0.01\n0.02\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert [float(line) > 0 for line in done.stdout.splitlines()] == [True, True]


def test_peers_do_not_load_the_package():
    """It would load TensorFlow, before the workers are forked."""
    for path in pathlib.Path(peer_views.__file__).parent.glob("*.py"):
        assert "import ressl_tf" not in path.read_text()
        assert "from ressl_tf" not in path.read_text()
