"""Files that are whole or not there."""

import pytest

from ressl_tf.runtime import atomic


def test_replacing_is_all_or_nothing(tmp_path):
    path = tmp_path / "a" / "file"
    with atomic.replacing(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half of two" * (1 // 0))
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]
