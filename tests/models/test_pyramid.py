"""Feature maps: where each stride ends, what they are worth, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models import backbones, pyramid
from ressl_tf.runtime.errors import UsageError

ENDS = {  # the layers whose outputs are the maps, finest first
    "resnet18": ["layer1_1_relu", "layer2_1_relu", "layer3_1_relu", "layer4_1_relu"],
    "mobilenet_v2": ["block_2_add", "block_5_add", "block_12_add", "out_relu"],
    "efficientnet_b0": ["block2b_add", "block3b_add", "block5c_add", "top_activation"],
}


def built(name, image_size=None, stem="standard"):
    return backbones.build(name, image_size=image_size, stem=stem, width=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_maps_are_the_ends_of_stages_and_pool_to_the_features(name):
    backbone = built(name)
    found = pyramid.levels(backbone)
    assert [(each.name, each.stride) for each in found.values()] == [
        *(("C2", 4), ("C3", 8), ("C4", 16), ("C5", 32))
    ]
    images = np.random.default_rng(0).normal(size=(2, 64, 96, 3)).astype(np.float32)
    maps = pyramid.network(backbone, found)(images)
    ends = [backbone.get_layer(layer).output for layer in ENDS[name]]
    wanted = keras.Model(backbone.inputs[0], ends)(images)
    for each, values in zip(found.values(), wanted, strict=True):
        made = maps[each.name]
        assert made.shape == (2, 64 // each.stride, 96 // each.stride, each.channels)
        np.testing.assert_array_equal(made, values)
    pooled = tf.reduce_mean(maps["C5"], [1, 2])
    np.testing.assert_allclose(pooled, backbone(images), rtol=1e-4, atol=1e-6)


def test_a_transformer_has_the_map_of_its_patches():
    backbone = built("vit_small", image_size=48)
    found = pyramid.levels(backbone)
    assert pyramid.described(found) == {"C4": {"stride": 16, "channels": 38}}
    images = np.random.default_rng(1).normal(size=(2, 48, 48, 3)).astype(np.float32)
    made = pyramid.network(backbone, found)(images)["C4"]
    assert made.shape == (2, 3, 3, 38)
    pooled = tf.reduce_mean(made, [1, 2])
    np.testing.assert_allclose(pooled, backbone(images), rtol=1e-4, atol=1e-6)


def test_patches_stand_where_they_are_in_the_image():
    patch = 14
    images = keras.Input((3 * patch, 3 * patch, 1))
    cut = keras.layers.MaxPooling2D(patch)(images)
    rows = keras.layers.Reshape((9, 1))(cut)
    padded = keras.layers.ZeroPadding1D((1, 0))(rows)  # as with a class token
    network = keras.Model(images, keras.layers.Flatten()(padded))
    found = pyramid.levels(network)
    assert list(found) == ["stride14"]
    picture = np.zeros((1, 42, 42, 1), np.float32)
    picture[0, 15, 30] = 7.0  # in the second row, third column
    made = pyramid.network(network, found)(picture)["stride14"][0, :, :, 0]
    np.testing.assert_array_equal(made, [[0, 0, 0], [0, 0, 7], [0, 0, 0]])


def test_a_stem_of_less_stride_has_finer_maps_and_strides_can_be_asked_for():
    backbone = built("resnet18", stem="small")
    assert [each.stride for each in pyramid.levels(backbone).values()] == [1, 2, 4, 8]
    assert list(pyramid.levels(backbone, (8, 2))) == ["C1", "C3"]
    with pytest.raises(UsageError, match=r"maps of strides 1, 2, 4, 8.*Received: 16"):
        pyramid.levels(backbone, (16,))


def test_a_network_without_maps_is_refused():
    images = keras.Input((8, 8, 3))
    flat = keras.layers.Dense(4)(keras.layers.Flatten()(images))
    with pytest.raises(UsageError, match="has no feature maps"):
        pyramid.levels(keras.Model(images, flat))
