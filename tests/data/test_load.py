"""Sources in memory or streamed, and images that cannot be read."""

import os
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from helpers.photos import flat, png, values, write

from ressl_tf.data import load
from ressl_tf.data.decode import header_pixels
from ressl_tf.data.load import load_source
from ressl_tf.data.sources import StreamSource
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def photos(tmp_path):
    """Write three photos of two classes, nested, all 8 x 8."""
    write(tmp_path / "dog" / "b.png", flat(20))
    write(tmp_path / "cat" / "2020" / "a.PNG", flat(10))
    write(tmp_path / "dog" / "a.JPeG", flat(30), tf.io.encode_jpeg)
    return tmp_path


def test_paths_begin_at_home_or_are_refused(photos, monkeypatch):
    monkeypatch.setenv("HOME", str(photos))
    options = {"cache": "disk", "cache_dir": "~/caches"}
    write(photos / "album" / "a.png", flat(10))
    assert load_source("folder:~/album", "train", **options).size == 1
    assert len(list((photos / "caches").glob("album-train-*"))) == 1
    for wrong in ({"data_dir": "gs://b"}, {"cache_dir": "s3://b"}):
        (name,) = wrong
        with pytest.raises(UsageError, match=rf"^{name} must be a path"):
            load_source("shapes", "train", **wrong)
    with pytest.raises(UsageError, match=r"^dataset must be a path"):
        load_source("gs://b", "train")


def test_images_of_several_sizes_or_beyond_the_limit_stream(photos):
    source = load_source(f"folder:{photos}", "train", memory_limit=3 * 8 * 8 * 3 - 1)
    assert isinstance(source, StreamSource)
    write(photos / "dog" / "c.png", flat(50, 8, 9))
    source = load_source(f"folder:{photos}", "train")
    assert isinstance(source, StreamSource)
    assert source.image_shape is None
    image, label = source.example(tf.constant(3, tf.int64))
    np.testing.assert_array_equal(image, flat(50, 8, 9))
    assert (int(label), source.size) == (1, 4)
    assert source.example_name(3).endswith("dog/c.png")


def test_shapes_are_those_of_the_images_that_can_be_read(photos):
    write(photos / "dog" / "c.png", flat(50, 8, 9))
    write(photos / "dog" / "d.png", b"no image")
    source = load_source(f"folder:{photos}", "train", cache="none")
    assert source.shapes(np.array([4, 3, 0])) == [(8, 9, 3), (8, 8, 3)]


def test_another_size_between_the_probes_streams(photos, monkeypatch):
    monkeypatch.setattr(load, "PROBES", 2)  # looks at the first and the last
    write(photos / "dog" / "a2.png", flat(50, 9, 8))
    assert isinstance(load_source(f"folder:{photos}", "train"), StreamSource)


BAD_BYTES = {
    "text": b"not an image",
    "empty": b"",
    "cut": tf.io.encode_jpeg(
        np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    ).numpy()[:1500],
}


@pytest.mark.parametrize("memory_limit", [load.MEMORY_LIMIT, 0])
@pytest.mark.parametrize("kind", BAD_BYTES)
def test_skip_leaves_bad_images_out_and_reports_them(
    photos, kind, memory_limit, caplog
):
    bad = write(photos / "dog" / "a1.jpg", BAD_BYTES[kind])
    options = {"on_bad_image": "skip", "memory_limit": memory_limit}
    with caplog.at_level("WARNING", "ressl_tf"):
        source = load_source(f"folder:{photos}", "train", **options)
    assert (source.skipped, source.size) == ((bad,), 3)
    assert f"skipped 1 of 4 images that cannot be read: {bad}" in caplog.text
    if memory_limit:
        assert values(source) == [10, 30, 20]
        assert source.labels.tolist() == [0, 1, 1]
    else:
        images = [source.example(tf.constant(i, tf.int64))[0] for i in range(3)]
        assert [int(image[0, 0, 0]) for image in images] == [10, 30, 20]
        assert source.example_name(2).endswith("dog/b.png")


def test_stop_names_the_file(photos):
    bad = write(photos / "dog" / "a1.jpg", BAD_BYTES["cut"])
    with pytest.raises(
        RunError, match=r"\(1 of 4 images\).*on_bad_image=skip"
    ) as error:
        load_source(f"folder:{photos}", "train")
    assert str(error.value).startswith(f"Cannot read image {bad}: ")
    assert "\n" not in str(error.value)


def bomb(kind, side=60_000):
    """Return a small file whose header promises 3.6 billion pixels."""
    if kind == "png":
        data = png(1, 1, 8, 2, [bytes(3)])
        header = b"IHDR" + struct.pack(">II", side, side) + data[24:29]
        return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    data = tf.io.encode_jpeg(flat(1)).numpy()
    start = data.index(b"\xff\xc0") + 5  # the frame's height and width
    return data[:start] + struct.pack(">HH", side, side) + data[start + 4 :]


@pytest.mark.parametrize("memory_limit", [load.MEMORY_LIMIT, 0])
@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_decompression_bomb_is_refused_by_its_header(photos, kind, memory_limit):
    bad = write(photos / "dog" / "a1.jpg", bomb(kind))
    options = {"memory_limit": memory_limit, "on_bad_image": "skip"}
    source = load_source(f"folder:{photos}", "train", **options)
    assert (source.skipped, source.size) == ((bad,), 3)
    with pytest.raises(RunError) as error:
        load_source(f"folder:{photos}", "train")
    assert f"{bad}: 3600000000 pixels, more than max_pixels=100000000" in str(
        error.value
    )


def test_max_pixels_is_the_number_of_pixels(photos):
    """8 x 8 photos; a GIF counts too."""
    gif = b"GIF89a" + struct.pack("<HH", 9, 300) + bytes(20)
    assert int(header_pixels(gif)) == 2700
    for data in (b"", b"GIF8", b"not an image"):
        assert int(header_pixels(data)) == 0
    assert load_source(f"folder:{photos}", "train", max_pixels=64).size == 3
    with pytest.raises(UsageError, match="64 pixels, more than max_pixels=63"):
        load_source(f"folder:{photos}", "train", max_pixels=63)


@pytest.mark.parametrize("memory_limit", [load.MEMORY_LIMIT, 0])
def test_one_percent_of_all_kinds_of_bad_images(tmp_path, memory_limit):
    """Each is skipped and named; all others are there, and in order."""
    for i in range(700):
        write(tmp_path / f"{i:03d}.jpg", flat(i % 256), tf.io.encode_png)
    bad = {
        **{100 * (i + 1): data for i, data in enumerate(BAD_BYTES.values())},
        400: bomb("png"),
        500: bomb("jpeg"),
        600: b"RIFF....WEBPVP8 ",
    }
    for i, data in bad.items():
        write(tmp_path / f"{i:03d}.jpg", data)
    os.remove(tmp_path / "650.jpg")
    os.symlink("650.jpg", tmp_path / "650.jpg")
    options = {"memory_limit": memory_limit, "on_bad_image": "skip"}
    source = load_source(f"folder:{tmp_path}", "train", **options)
    names = [str(tmp_path / f"{i:03d}.jpg") for i in (*bad, 650)]
    assert list(source.skipped) == names
    good = [i for i in range(700) if i not in (*bad, 650)]
    if memory_limit:
        assert source.images[:, 0, 0, 0].numpy().tolist() == [i % 256 for i in good]
    else:
        assert source.rows.numpy().tolist() == good


def test_a_set_of_bad_images_only(tmp_path):
    write(tmp_path / "a.png", b"nothing")
    for action in load.BAD_IMAGE_ACTIONS:
        with pytest.raises(UsageError, match=r"None of 1 images.*a.png"):
            load_source(f"folder:{tmp_path}", "train", on_bad_image=action)
    with pytest.raises(UsageError, match=r"stop, skip\. Received: 'ignore'"):
        load_source(f"folder:{tmp_path}", "train", on_bad_image="ignore")
