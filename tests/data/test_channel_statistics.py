"""Mean and standard deviation of training images, against NumPy."""

import numpy as np
import pytest
from helpers.photos import write

from ressl_tf.data import channel_statistics
from ressl_tf.data.channel_statistics import measured
from ressl_tf.data.load import load_source
from ressl_tf.runtime.errors import RunError

SIDES = [(9, 7), (5, 20), (12, 4), (16, 16)]


@pytest.fixture
def noise(tmp_path):
    """Write photos of several sizes, and return them on 0..1."""
    rng = np.random.default_rng(0)
    top = np.array([256, 100, 50])
    images = [rng.integers(0, top, (*sides, 3), np.int64) for sides in SIDES]
    for number, image in enumerate(images):
        write(tmp_path / f"{number}.png", image.astype(np.uint8))
    return [image / 255 for image in images]


def by_numpy(images):
    """Weigh images alike: the moments of a pixel of an image drawn at random."""
    mean = np.mean([image.mean((0, 1)) for image in images], 0)
    square = np.mean([(image**2).mean((0, 1)) for image in images], 0)
    return mean, np.sqrt(square - mean**2)


def test_streamed_and_held_images_give_the_moments_of_numpy(noise, tmp_path, images):
    streamed = load_source(f"folder:{tmp_path}", "train", cache="none")
    mean, std = measured(streamed, str(tmp_path / "cache"))
    np.testing.assert_allclose((mean, std), by_numpy(noise), atol=6e-5)
    folder = tmp_path / "one_size"
    for number, image in enumerate(images):
        write(folder / f"{number}.png", image)
    held = measured(load_source(f"folder:{folder}", "train"))
    np.testing.assert_allclose(held, by_numpy(images / 255.0), atol=6e-5)


def test_the_result_is_kept_until_a_file_changes(noise, tmp_path, monkeypatch):
    cache = str(tmp_path / "cache")
    (tmp_path / "4.png").write_bytes(b"broken")

    def now():
        streamed = load_source(f"folder:{tmp_path}", "train", cache="none")
        return measured(streamed, cache)

    first = now()
    with monkeypatch.context() as patch:
        patch.setattr(channel_statistics, "_compute", None)
        assert now() == first
    write(tmp_path / "0.png", np.full((9, 7, 3), 255, np.uint8))
    assert now()[0] > first[0]


def test_images_that_are_all_alike_and_unreadable_ones(tmp_path):
    write(tmp_path / "a.png", np.full((4, 4, 3), 51, np.uint8))
    source = load_source(f"folder:{tmp_path}", "train", cache="none")
    cache = str(tmp_path / "cache")
    assert measured(source, cache) == ((0.2,) * 3, (0.001,) * 3)
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(RunError, match=r"auto: none of 1 images.*no JPEG"):
        measured(source, cache)
