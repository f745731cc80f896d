"""Scans, frames and texts that small files hide are counted before they are decoded."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from helpers import crafted

from ressl_tf.data import containers
from ressl_tf.data.decode import decode_image


def refusal(data):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        decode_image(data)
    return str(error.value)


def test_a_jpeg_of_many_scans_is_refused():
    assert "a JPEG of more than 100 scans" in refusal(crafted.jpeg_of_scans(2000, 2000))


def test_the_scans_of_a_jpeg_are_counted_where_they_matter():
    data, large = crafted.jpeg_of_scans(64, 50), tf.constant(10**9, tf.int64)
    written = data.count(b"\xff\xda")
    assert written == 56  # Pillow's six of a grey image, and these
    assert int(containers.scans(data)) == written
    assert containers.scans_matter(data, large)
    assert not containers.scans_matter(data, tf.constant(64 * 64, tf.int64))


def test_a_progressive_photo_is_decoded_as_before(monkeypatch):
    monkeypatch.setattr(containers, "FREE_WORK", 0)
    data = crafted.photo("JPEG", progressive=True)
    expected = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(decode_image(data), expected)


def test_a_png_of_packed_texts_is_refused():
    assert "a PNG of more than 32 packed texts" in refusal(crafted.png_of_texts(150))
    np.testing.assert_array_equal(decode_image(crafted.png_of_texts(30)), [[[0] * 3]])


def test_a_gif_is_cut_behind_its_first_frame():
    noise = np.random.default_rng(0).integers(0, 256, (3, 90, 70), np.uint8)
    frames = [PIL.Image.fromarray(frame).convert("P") for frame in noise]
    options = {"save_all": True, "append_images": frames[1:], "comment": b"x" * 700}
    data = crafted.saved(frames[0], "GIF", **options)
    cut, pixels = containers.first_frame(data)
    assert int(pixels) == 90 * 70
    assert tf.io.decode_gif(data).shape[0] == 3
    assert cut.numpy().endswith(b"\0;")  # the last, empty block, and the end
    assert data.startswith(cut.numpy()[:-1])
    np.testing.assert_array_equal(tf.io.decode_gif(cut), tf.io.decode_gif(data)[:1])
    np.testing.assert_array_equal(decode_image(data), tf.io.decode_gif(data)[0])


def test_a_gif_of_one_colour_is_one():
    """The hand-made LZW of the other tests is right."""
    np.testing.assert_array_equal(
        tf.io.decode_gif(crafted.gif(70, 70, 2)), np.zeros([2, 70, 70, 3])
    )


def test_a_frame_that_is_larger_than_the_screen_is_refused():
    data = crafted.gif(10, 10_001)
    assert "100020001 pixels, more than max_pixels=100000000" in refusal(data)


def test_a_gif_of_endless_blocks_is_refused():
    head, blocks = b"GIF89a" + bytes(7) + b"!\xfe", b"\1a" * (containers.BLOCKS + 9)
    assert "more than max_pixels" in refusal(head + blocks)


@pytest.mark.parametrize("size", [6, 9, 13, 14, 20, 29, 36])
def test_a_gif_that_is_cut_stays_as_it_is(size):
    data = crafted.gif(9, 9)[:size]
    assert containers.first_frame(data)[0].numpy() == data
