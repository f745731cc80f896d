"""The encoder: normalisation by value, and by what it cannot."""

import keras
import numpy as np
import pytest

from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError


def identity(mean, std):
    backbone = keras.Sequential([keras.Input((2, 3, 3)), keras.layers.Flatten()])
    return Encoder(backbone, None, mean, std)


def test_images_are_normalised_by_own_numbers_whole_ones_too():
    images = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 3)).astype("uint8")
    for mean, std in (((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)), ([0, 0, 1], [1, 1, 1])):
        wanted = (images / 255 - np.array(mean)) / np.array(std)
        found = identity(mean, std).features(images)
        np.testing.assert_allclose(found, wanted.reshape(4, -1), atol=1e-6)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.5,), (1, 1, 1), "mean must be three numbers"),
        ((123.7, 116.3, 103.5), (1, 1, 1), r"mean must be .* Received: \[123.7"),
        ((0, 0, 0), (0.2, 0.2, 0), "std must be three numbers .* above 0"),
        ((0, 0, 0), (58.4, 57.1, 57.4), r"std must be .* Received: \[58.4"),
        ((0, 0, float("nan")), (1, 1, 1), "mean must be three numbers"),
    ],
)
def test_numbers_on_another_scale_are_refused(mean, std, message):
    with pytest.raises(UsageError, match=message):
        identity(mean, std)
