"""16-bit and float images keep what they have beyond 8 bits, on every way there is."""

import numpy as np
import pytest
import tensorflow as tf
from test_centre_crop import triangle

from ressl_tf.data import centre_crop
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.data.channel_statistics import measured
from ressl_tf.data.into_memory import into_memory
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches, training_batches
from ressl_tf.data.python_data import as_dataset
from ressl_tf.data.readable import readable_batches

SIDE = 64
GRADIENT = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)  # 12 bits
WANTED = GRADIENT / 4095 * 255


def as_png(values):
    return tf.io.encode_png(values[..., None]).numpy()


@pytest.fixture
def deep(tmp_path):
    for name, values in {"a": GRADIENT, "b": GRADIENT[::-1]}.items():
        (tmp_path / f"{name}.png").write_bytes(as_png(values))
    return f"folder:{tmp_path}"


def load(name, tmp_path, **options):
    caches = {"cache_dir": str(tmp_path / "cache"), "value_range": "0,4095"}
    return load_source(name, "train", **{"pixels": "auto", **caches, **options})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cache", "channels"),
    [pytest.param("none", 1, marks=pytest.mark.slow), ("memory", 3), ("disk", 1)],
)
def test_12_bits_reach_views_and_evaluation(deep, tmp_path, cache, channels):
    source = load(deep, tmp_path, cache=cache, channels=channels)
    assert source.dtype == "float32"
    wanted = np.repeat(WANTED[..., None], channels, -1)
    whole = weak_view(SIDE, (1.0, 1.0), flip_prob=0.0)
    views = training_batches(
        source, Views({"weak": whole}), batch_size=2, seed=0, stop_step=1
    )
    batch = next(iter(views))["weak"].numpy()
    batch = batch[np.argsort(batch[:, 0, 0, 0])]  # a begins with black
    np.testing.assert_allclose(batch, [wanted, wanted[::-1]], atol=1e-3)
    assert len(np.unique(batch[0, ..., 0])) == 4096
    ((images, _),) = evaluation_batches(source, SIDE, 2)
    np.testing.assert_allclose(images, [wanted, wanted[::-1]], atol=1e-4)
    ((_, images, _),) = readable_batches(source, SIDE, 2)
    np.testing.assert_allclose(images[0], wanted, atol=1e-4)
    held = into_memory(source)
    np.testing.assert_allclose(held.example(0)[0], wanted, atol=1e-4)


def test_uint8_rounds_what_float32_keeps(deep, tmp_path):
    source = load(deep, tmp_path, pixels="uint8")
    assert source.dtype == "uint8"
    rounded = source.example(0)[0].numpy()
    np.testing.assert_array_equal(rounded[..., 0], np.rint(WANTED))


@pytest.mark.slow
@pytest.mark.parametrize("value_range", ["dtype", "percentiles", "100,4000"])
def test_every_range_keeps_its_values(tmp_path, value_range):
    (tmp_path / "a.png").write_bytes(as_png(GRADIENT))
    np.save(tmp_path / "b.npy", GRADIENT.astype(np.float32) / 4095)
    np.save(tmp_path / "c.npy", GRADIENT)
    ends = {"dtype": (0, 65535), "percentiles": (20, 4075), "100,4000": (100, 4000)}
    low, high = ends[value_range]
    wanted = np.clip((GRADIENT - float(low)) / (high - low), 0, 1) * 255
    (tmp_path / "list.txt").write_text("a.png\nc.npy\n")
    source = load(
        f"list:{tmp_path / 'list.txt'}", tmp_path, value_range=value_range, channels=1
    )
    for row in range(2):
        made = source.example(row)[0].numpy()[..., 0]
        np.testing.assert_allclose(made, wanted, atol=1e-3)


def test_floats_and_files_of_8_bits_beside_them(tmp_path):
    floats = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    np.save(tmp_path / "a.npy", floats)
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    jpeg = tf.io.encode_jpeg(photo).numpy()
    (tmp_path / "b.jpg").write_bytes(jpeg)
    (tmp_path / "c.bmp").write_bytes(_bmp(photo))
    (tmp_path / "list.txt").write_text("a.npy\nb.jpg\nc.bmp\n")
    source = load(f"list:{tmp_path / 'list.txt'}", tmp_path, value_range="auto")
    assert source.dtype == "float32"
    images = [source.example(row)[0].numpy() for row in range(3)]
    np.testing.assert_allclose(images[0][..., 1], 255 * floats, atol=1e-4)
    by_tf = tf.io.decode_jpeg(jpeg, dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(images[1], by_tf)
    np.testing.assert_array_equal(images[2], photo)


def _bmp(photo):
    height, width, _ = photo.shape
    rows = photo[::-1, :, ::-1].tobytes()
    pad = -(3 * width) % 4
    assert pad == 2
    rows = b"".join(
        rows[i : i + 3 * width] + b"\0" * pad for i in range(0, len(rows), 3 * width)
    )
    sizes = np.array([40, width, height], "<i4").tobytes()
    info = sizes + np.array([1, 24], "<i2").tobytes() + bytes(24)
    head = np.array([54 + len(rows)], "<i4").tobytes() + bytes(4)
    return b"BM" + head + np.array([54], "<i4").tobytes() + info + rows


def test_sets_of_8_bits_stay_uint8(tmp_path):
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(tf.io.encode_png(photo).numpy())
    source = load(f"folder:{tmp_path}", tmp_path)
    assert source.dtype == source.example(0)[0].dtype.name == "uint8"


@pytest.mark.parametrize("shape", [(60, 40), (28, 30)])
def test_resized_crops_are_not_rounded(shape):
    image = np.random.default_rng(1).random((*shape, 1)).astype(np.float32) * 255
    size, shorter = 28, 32
    sides = [shorter * side // min(shape) for side in shape]
    rows, columns = (triangle(*pair) for pair in zip(shape, sides, strict=True))
    resized = np.einsum("ij,jkc,lk->ilc", rows, image, columns)
    top, left = (round((side - size) / 2) for side in sides)
    wanted = resized[top : top + size, left : left + size]
    made = centre_crop.centre_crop(tf.constant(image[None]), size)[0]
    np.testing.assert_allclose(made, wanted, atol=1e-3)


def test_means_are_those_of_the_values(deep, tmp_path):
    mean, std = measured(load(deep, tmp_path, channels=1), str(tmp_path))
    np.testing.assert_allclose(mean, (WANTED / 255).mean(), atol=5e-5)
    np.testing.assert_allclose(std, (WANTED / 255).std(), atol=5e-5)


def test_arrays_with_fractions_keep_them(tmp_path):
    images = np.random.default_rng(0).random((3, 8, 9, 3)) * 255
    name = as_dataset(images, "")
    kept, rounded = (load_source(name, "train", pixels=p) for p in ("auto", "uint8"))
    np.testing.assert_array_equal(kept.images, images.astype(np.float32))
    np.testing.assert_array_equal(rounded.images, np.rint(images))
    whole = load_source(as_dataset(np.rint(images), ""), "train", pixels="auto")
    assert whole.dtype == "uint8"
