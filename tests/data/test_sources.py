import base64
import os
import struct
import time
import zlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from ressl_tf.data import load
from ressl_tf.data.decode import decode_image, header_pixels
from ressl_tf.data.load import load_source
from ressl_tf.data.sources import MemorySource, StreamSource
from ressl_tf.runtime.errors import RunError, UsageError

# 8 x 8, CMYK with Adobe's inverted values; Pillow reads (56, 223, 202) in the upper
# half and (189, 172, 28) in the lower.
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZ"
    "gWpxkHNbXYW1hpCeo6utq2eAvMm6pseZqKuk/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEB"
    "AQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQci"
    "cRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm"
    "Z2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV"
    "1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwCf/hHf+nv/AMh//Xre3e1J/wAJ"
    "D/06/wDkT/61bf2n/Y/Wv//Z"
)


def flat(value, height=8, width=8):
    return np.full((height, width, 3), value, np.uint8)


def write(path, image, encode=tf.io.encode_png):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = image if isinstance(image, bytes) else encode(image).numpy()
    with open(path, "wb") as file:
        file.write(data)
    return str(path)


def png(width, height, depth, colour_type, rows, *chunks):
    """A PNG by hand: the kinds that TensorFlow cannot write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]:
        checksum = zlib.crc32(kind + body)
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
    return out


@pytest.fixture
def photos(tmp_path):
    """Three photos of two classes, nested, all 8 x 8."""
    write(tmp_path / "dog" / "b.png", flat(20))
    write(tmp_path / "cat" / "2020" / "a.PNG", flat(10))
    write(tmp_path / "dog" / "a.JPeG", flat(30), tf.io.encode_jpeg)
    return tmp_path


def values(source):
    return [int(source.examples([i])[0][0, 0, 0, 0]) for i in range(source.size)]


# Decoding


def test_grey_palette_deep_and_transparent_images_become_rgb():
    palette = png(
        *(2, 1, 8, 3, [b"\0\1"]),
        (b"PLTE", bytes([10, 200, 30, 250, 20, 60])),
        (b"tRNS", bytes([255, 0])),
    )
    decoded = decode_image(palette).numpy()
    np.testing.assert_array_equal(decoded[0], [[10, 200, 30], [250, 20, 60]])
    deep = np.array([[[0x1234, 0xFF00, 0x0080]]], np.uint16)
    decoded = decode_image(tf.io.encode_png(deep)).numpy()
    np.testing.assert_array_equal(decoded, [[[0x12, 0xFF, 0x00]]])
    half_seen = np.array([[[200, 100, 50, 128], [9, 8, 7, 0]]], np.uint8)
    decoded = decode_image(tf.io.encode_png(half_seen)).numpy()
    np.testing.assert_array_equal(decoded, half_seen[..., :3])
    for channels in (1, 2):
        grey = np.full((3, 2, channels), 77, np.uint8)
        decoded = decode_image(tf.io.encode_png(grey)).numpy()
        np.testing.assert_array_equal(decoded, flat(77, 3, 2))
    grey = tf.io.encode_jpeg(np.full((8, 8, 1), 77, np.uint8))
    np.testing.assert_array_equal(decode_image(grey).numpy(), flat(77))


def test_cmyk_jpeg_equals_pillow():
    decoded = decode_image(CMYK_JPEG).numpy().astype(int)
    assert abs(decoded[1, 1] - [56, 223, 202]).max() <= 2
    assert abs(decoded[6, 6] - [189, 172, 28]).max() <= 2


def test_jpeg_is_decoded_with_the_accurate_transform():
    rng = np.random.default_rng(0)
    encoded = tf.io.encode_jpeg(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    accurate = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
    fast = tf.io.decode_jpeg(encoded, dct_method="INTEGER_FAST")
    np.testing.assert_array_equal(decode_image(encoded), accurate)
    assert not np.array_equal(fast, accurate)


# Folders


def test_class_folders_are_sorted_and_labelled(photos):
    source = load_source(f"folder:{photos}", "train")
    assert isinstance(source, MemorySource)
    assert (source.name, source.size) == (f"folder:{photos}", 3)
    assert (source.image_shape, source.skipped) == ((8, 8, 3), ())
    assert source.label_names == ("cat", "dog")
    assert source.labels.tolist() == [0, 1, 1]
    assert values(source) == [10, 30, 20]  # cat/2020/a, dog/a, dog/b


def test_a_heap_has_no_labels(photos):
    write(photos / "loose.png", flat(40))
    source = load_source(f"folder:{photos}", "train")
    assert (source.label_names, source.labels.tolist()) == (None, [-1] * 4)
    assert values(source) == [10, 30, 20, 40]


def test_splits_are_sub_folders_with_one_numbering(tmp_path):
    for place in ("train/a/x", "train/b/x", "train/c/x", "val/c/x", "val/.d/x"):
        write(tmp_path / f"{place}.png", flat(9))
    source = load_source(f"folder:{tmp_path}", "validation")
    assert source.label_names == ("a", "b", "c")
    assert source.labels.tolist() == [2]
    assert load_source(f"folder:{tmp_path}", "val").size == 1
    assert load_source(f"folder:{tmp_path}", "train").labels.tolist() == [0, 1, 2]
    with pytest.raises(UsageError, match=r"has the splits train, val.*'test'"):
        load_source(f"folder:{tmp_path}", "test")


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


def test_hidden_files_and_links_in_circles_are_left_out(photos):
    write(photos / "dog" / "._b.png", b"resource fork")
    write(photos / ".thumbnails" / "b.png", flat(99))
    os.symlink(photos, photos / "dog" / "up")
    write(photos.parent / "elsewhere" / "z.png", flat(60))
    os.symlink(photos.parent / "elsewhere", photos / "dog" / "friends")
    assert values(load_source(f"folder:{photos}", "train")) == [10, 30, 20, 60]


def test_links_that_lead_nowhere_are_images_that_cannot_be_read(photos, caplog):
    os.symlink(photos / "nowhere", photos / "dog" / "lost.png")
    os.symlink("circle.jpg", photos / "dog" / "circle.jpg")
    os.symlink("circle", photos / "dog" / "circle")  # no image by its name
    source = load_source(f"folder:{photos}", "train", on_bad_image="skip")
    links = ("circle.jpg", "lost.png")
    assert source.skipped == tuple(str(photos / "dog" / name) for name in links)
    assert source.size == 3
    with pytest.raises(RunError, match=r"circle\.jpg.*\(2 of 5 images\)"):
        load_source(f"folder:{photos}", "train")


def test_what_is_left_out_is_reported(photos, caplog):
    write(photos / "dog" / "notes.txt", b"x")
    write(photos / "cat" / "raw.HEIC", b"x")
    os.symlink(photos, photos / "dog" / "up")
    with caplog.at_level("INFO", "ressl_tf"):
        load_source(f"folder:{photos}", "train")
    assert f"1 x .txt, 1 x .heic ({photos}/cat/raw.HEIC)" in caplog.text
    assert f"{photos}/dog/up leads back to a folder above it" in caplog.text


def test_names_in_an_old_encoding(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    with open(path, "wb") as file:
        file.write(tf.io.encode_png(flat(70)).numpy())
    assert values(load_source(f"folder:{tmp_path}", "train")) == [70]


def test_a_folder_that_may_not_be_read(photos, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match=r"Cannot list '.*': Permission denied"):
        load_source(f"folder:{photos}", "train")


def test_a_sub_folder_that_may_not_be_read_is_an_error_or_skipped(photos, monkeypatch):
    """Simulated: whoever runs the tests as root may read everything."""
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("2020"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    write(photos / "cat" / "b.png", flat(5))
    with pytest.raises(UsageError, match=r"Cannot list '.*2020': Permission denied"):
        load_source(f"folder:{photos}", "train")
    source = load_source(f"folder:{photos}", "train", on_bad_image="skip")
    assert source.skipped == (str(photos / "cat" / "2020"),)
    assert values(source) == [5, 30, 20]


def test_what_is_wrong_with_a_folder_is_said_in_one_line(tmp_path):
    cases = [("nowhere", "train", "No such folder. Received: --dataset=folder:")]
    os.makedirs(tmp_path / "empty")
    cases.append(("empty", "train", r"No JPEG or PNG.*\(other files: none\)"))
    write(tmp_path / "phone" / "a.HEIC", b"x")
    cases.append(("phone", "train", "1 x .heic"))
    write(tmp_path / "one" / "holiday" / "a.png", flat(1))
    cases.append(("one", "train", "single class, 'holiday'.*folder:.*one/holiday"))
    cases.append(("one", "test", "only split is 'train'.*Received: 'test'"))
    for folder, split, message in cases:
        with pytest.raises(UsageError, match=message) as error:
            load_source(f"folder:{tmp_path / folder}", split)
        assert "\n" not in str(error.value)


# Unreadable images


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
    """A small file whose header promises 3.6 billion pixels."""
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


# TensorFlow Datasets


class ResslMock(tfds.core.GeneratorBasedBuilder):
    """Grey images whose value is their number, in shards, with more features."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name) for name in ("class", "plain", "sound")
    ]
    code_path = None

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 1)),
            "caption": tfds.features.Text(),
            "kind": tfds.features.ClassLabel(names=["even", "odd"]),
        }
        if self.builder_config.name == "sound":
            del features["image"]
        keys = ("image", "kind") if self.builder_config.name == "class" else None
        features = tfds.features.FeaturesDict(features)
        return tfds.core.DatasetInfo(
            builder=self, features=features, supervised_keys=keys
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(40),
            "test": self._generate_examples(5),
        }

    def _generate_examples(self, count):
        for i in range(count):
            example = {"caption": "x" * i, "kind": i % 2}
            if self.builder_config.name != "sound":
                example["image"] = np.full((4, 4, 1), i, np.uint8)
            yield i, example


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("tfds")
    for config in ("class", "plain", "sound"):
        writer = tfds.download.DownloadConfig(num_shards=3)
        builder = ResslMock(config=config, data_dir=data_dir)
        builder.download_and_prepare(download_config=writer)
    return str(data_dir)


def tfds_order(data_dir, split):
    read = tfds.ReadConfig(interleave_cycle_length=1)
    builder = tfds.builder("ressl_mock/class", data_dir=data_dir)
    dataset = builder.as_dataset(split=split, read_config=read)
    return [int(e["image"][0, 0, 0]) for e in tfds.as_numpy(dataset)]


@pytest.mark.parametrize("split", ["train", "train[10%:55%]", "test+train[:3]"])
def test_tfds_splits_are_read_as_tfds_reads_them(prepared, split):
    expected = tfds_order(prepared, split)
    source = load_source("ressl_mock/class", split, data_dir=prepared)
    assert values(source) == expected
    assert source.labels.tolist() == [v % 2 for v in expected]
    assert source.label_names == ("even", "odd")
    assert source.image_shape == (4, 4, 3)
    stream = load_source("ressl_mock", split, data_dir=prepared, memory_limit=0)
    assert split != "train" or len(stream.encoded.files) == 3
    examples = [stream.example(tf.constant(i, tf.int64)) for i in range(stream.size)]
    assert [int(image[0, 0, 0]) for image, _ in examples] == expected
    assert [int(label) for _, label in examples] == [v % 2 for v in expected]


def test_tfds_without_a_class_has_no_labels(prepared):
    source = load_source("ressl_mock/plain", "test", data_dir=prepared)
    assert (source.label_names, source.labels.tolist()) == (None, [-1] * 5)


def test_what_is_wrong_with_a_tfds_name_is_said_in_one_line(prepared):
    cases = [
        ("cifer10", "train", "such as cifar10.*Received: 'cifer10'"),
        ("cifar10", "train", "not prepared in .*cifar10.*--download"),
        ("mnist_corrupted/nope", "train", "cannot open 'mnist_corrupted/nope'"),
        ("two words?", "train", "cannot open 'two words.'"),
        ("ressl_mock/class", "valid", "splits train, test.*Received: 'valid'"),
        ("ressl_mock/class", "train[:x%]", r"Received: 'train\[:x%\]'"),
        ("ressl_mock/class", "train[:0]", r"Received: 'train\[:0\]'"),
        ("ressl_mock/sound", "train", "no feature 'image'.*caption, kind"),
    ]
    start = time.monotonic()
    for name, split, message in cases:
        with pytest.raises(UsageError, match=message) as error:
            load_source(name, split, data_dir=prepared)
        assert "\n" not in str(error.value)
    assert time.monotonic() - start < 10


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch):
    def fail(self, **_):
        raise OSError("no network\nand a long story")

    monkeypatch.setattr(ResslMock, "download_and_prepare", fail)
    with pytest.raises(RunError, match="Cannot prepare 'ressl_mock': OSError: no netw"):
        load_source("ressl_mock", "train", data_dir=str(tmp_path), download=True)


def test_all_labels_of_records_are_those_of_their_examples(prepared):
    stream = load_source("ressl_mock/class", "train", data_dir=prepared, memory_limit=0)
    labels = stream.all_labels()
    expected = [int(stream.example(row)[1]) for row in range(stream.size)]
    assert labels.tolist() == expected
    assert set(expected) == {0, 1}


@pytest.mark.slow
def test_tfds_sets_are_cached_on_disk(prepared, tmp_path):
    """Each part of a split on its own, in its order; a new version anew."""
    caches = tmp_path / "caches"
    for split in ("train[:10]", "train[:10%]", "test+train[:3]"):
        options = {"data_dir": prepared, "cache_dir": str(caches)}
        cached = load_source("ressl_mock/class", split, cache="disk", **options)
        plain = load_source("ressl_mock/class", split, cache="none", **options)
        assert cached.size == plain.size
        for row in range(plain.size):
            image, label = plain.example(row)
            np.testing.assert_array_equal(cached.example(row)[0], image)
            assert cached.example(row)[1] == label
        assert cached.all_labels().tolist() == plain.all_labels().tolist()
        assert cached.encoded.name == "ressl_mock/class"
    names = [path.name[:-17] for path in caches.iterdir() if path.name[0] != "."]
    assert sorted(names) == ["class-test_train_3_", *["class-train_10_"] * 2]
    os.utime(plain.encoded.files[0])
    load_source("ressl_mock/class", split, cache="disk", **options)
    assert len([p for p in caches.iterdir() if p.name[0] != "."]) == 4
