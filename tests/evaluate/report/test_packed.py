import base64
import json

import numpy as np

from ressl_tf.evaluate.report import packed


def test_similarities_of_packed_vectors_are_those_of_the_vectors():
    vectors = np.random.default_rng(0).normal(size=(50, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    again = packed.unpacked(json.loads(json.dumps(packed.vectors(vectors))))
    assert again.shape == vectors.shape
    assert np.abs(again @ again.T - vectors @ vectors.T).max() < 3e-5
    assert (packed.unpacked(packed.vectors(np.zeros((2, 3)))) == 0).all()


def test_arrays_are_little_endian():
    bytes_of = base64.b64decode(packed.floats(np.array([[1.0, -2.5]])))
    assert bytes_of == b"\x00\x00\x80\x3f\x00\x00\x20\xc0"


def test_what_json_lacks_becomes_null():
    value = {"a": [1.0, float("nan")], "b": (float("inf"), "x", 3)}
    assert packed.plain(value) == {"a": [1.0, None], "b": [None, "x", 3]}
