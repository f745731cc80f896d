"""Threads of the peers."""

import numpy as np

from ressl_tf.benchmarks import peer_views


def test_workers_apply_all_transforms_and_count_images():
    images = np.zeros((peer_views.CHUNK, 2, 2, 3), np.uint8)
    seen = []
    done = peer_views._work([seen.append, seen.append], list(images), seconds=1e-9)
    assert done == peer_views.CHUNK
    assert len(seen) == 2 * done
