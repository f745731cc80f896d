"""Caches of decoded images, made and compared."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.load import load_source

SIDES = [(9, 12), (12, 9), (8, 8), (16, 11), (10, 10), (13, 8)]


def six_photos(tmp_path):
    """Write six noisy photos of other sizes in two classes; JPEG and PNG in turns."""
    generator = np.random.default_rng(0)
    for number, sides in enumerate(SIDES):
        path = tmp_path / "photos" / "ab"[number // 3] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = tf.constant(generator.integers(0, 256, (*sides, 3)), tf.uint8)
        encode = tf.io.encode_png if number % 2 else tf.io.encode_jpeg
        path.write_bytes(encode(image).numpy())
    return tmp_path / "photos"


def opened(folder, caches, **options):
    options = {"cache": "disk", "cache_dir": str(caches), **options}
    return load_source(f"folder:{folder}", "train", **options)


def whole(caches):
    """Return the caches that count as complete."""
    return sorted(path for path in caches.iterdir() if path.name[0] != ".")


def examples(source):
    pairs = [source.example(tf.constant(i, tf.int64)) for i in range(source.size)]
    return [image.numpy() for image, _ in pairs], [int(label) for _, label in pairs]


def assert_same(source, other):
    (images, labels), (others, other_labels) = examples(source), examples(other)
    assert labels == other_labels
    for image, expected in zip(images, others, strict=True):
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, expected)
