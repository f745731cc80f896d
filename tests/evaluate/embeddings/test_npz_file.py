"""Features in .npz files: as NumPy reads them, mapped from the disk."""

import json

import numpy as np
import pytest
from helpers.embedding import table

from ressl_tf.evaluate.embeddings import npz_file

NAMES = ["a.jpg", "b with, comma.jpg", "new\nline.png", "caf\udce9.png", "ü"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_is_written_is_what_numpy_reads(tmp_path, dtype):
    features = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
    npz_file.write(tmp_path / "x.npz", table(NAMES, [0, -1, 1, 0, 1], features))
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["features"], features)
        assert arrays["features"].dtype == dtype
        assert arrays["paths"].tolist() == NAMES
        assert arrays["labels"].tolist() == [0, -1, 1, 0, 1]
        assert arrays["label_names"].tolist() == ["cat", "dog"]
        assert json.loads(arrays["about"].item())["image_size"] == 16


def test_features_are_mapped_where_they_lie_uncompressed(tmp_path):
    features = np.arange(12, dtype=np.float32).reshape(4, 3)
    npz_file.write(tmp_path / "x.npz", table("abcd", [0] * 4, features))
    mapped = npz_file.read(tmp_path / "x.npz")["features"]
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, features)
    np.savez(tmp_path / "plain.npz", paths=list("abcd"), features=features)
    plain = npz_file.read(tmp_path / "plain.npz")["features"]
    assert isinstance(plain, np.memmap)
    np.testing.assert_array_equal(plain, features)
    np.savez_compressed(tmp_path / "packed.npz", features=features)
    packed = npz_file.read(tmp_path / "packed.npz")["features"]
    np.testing.assert_array_equal(packed, features)
