"""Parts on the disk: a chain without a gap and without a double."""

import numpy as np
import pytest

from ressl_tf.evaluate.embeddings.parts import Part, Parts
from ressl_tf.runtime.errors import RunError


def part(*rows):
    numbers = np.array(rows)
    features = np.repeat(numbers[:, None], 2, axis=1).astype(np.float32)
    return Part(numbers, numbers.astype(np.int32), features)


def test_the_chain_ends_at_a_gap(tmp_path):
    parts = Parts(tmp_path)
    parts.add(3, part(0, 2))  # 1 cannot be read
    parts.add(3, part(9))  # nothing new
    parts.add(5, part(3, 4))
    parts.add(8, part(5, 6, 7))
    (tmp_path / "000000000003-000000000005.npz").unlink()
    (tmp_path / ".000000000003-000000000005.npz.1.tmp").write_bytes(b"half")
    parts = Parts(tmp_path)
    assert parts.stop == 3
    parts.add(7, part(3, 5, 6))
    parts = Parts(tmp_path)
    assert parts.stop == 7
    assert parts.rows_and_labels()[0].tolist() == [0, 2, 3, 5, 6]
    assert np.concatenate([p.features for p in parts])[:, 0].tolist() == [0, 2, 3, 5, 6]


def test_a_damaged_part_is_one_line(tmp_path):
    Parts(tmp_path).add(1, part(0))
    path = tmp_path / "000000000000-000000000001.npz"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(RunError, match="is damaged"):
        list(Parts(tmp_path))
