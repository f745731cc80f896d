"""Networks copied for another image size."""

import keras
import pytest
from helpers.exports import MEAN, STD

from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.rebuild import rebuild


def test_a_network_for_one_size_alone_says_so():
    layers = [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(4)]
    encoder = Encoder(keras.Sequential(layers), None, MEAN, STD)
    assert rebuild(encoder, 16).feature_dim == 4
    for size, words in ((None, "any size"), (24, "24 pixels")):
        with pytest.raises(UsageError, match=f"images of {words}.*see --image_size"):
            rebuild(encoder, size)
