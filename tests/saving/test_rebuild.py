"""Networks copied for another image size."""

import keras
import pytest
from helpers.exports import MEAN, STD, tiny_encoder

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


def test_a_copy_is_trainable_where_the_original_was_frozen():
    """Its batch normalisation then works on batch statistics again."""
    encoder = tiny_encoder()
    encoder.backbone.trainable = False
    copy = rebuild(encoder, None)
    layers = copy.backbone.layers
    assert all(layer.trainable for layer in layers if layer.variables)
    assert len(copy.backbone.trainable_variables) == 6
