"""Multiply-adds counted by hand; the published ones are in test_applications."""

import keras
import pytest

from ressl_tf.models import backbones
from ressl_tf.models.backbones.flops import multiply_adds
from ressl_tf.models.backbones.resnet import resnet


def test_convolutions_and_linear_layers_by_hand():
    x = images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, 2, padding="same")(x)  # 4 x 4 places
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.DepthwiseConv2D(5, padding="same")(x)
    x = keras.layers.Conv2D(6, 1, groups=2)(x)
    x = keras.layers.Dense(7)(x)  # at each of 4 x 4 places
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(5)(x)
    by_hand = 16 * (3 * 3 * 3 * 4) + 16 * 25 * 4 + 16 * (2 * 6) + 16 * 6 * 7 + 7 * 5
    assert multiply_adds(keras.Model(images, x), 8) == by_hand


def test_attention_and_patches_by_hand():
    images = keras.Input((4, 4, 3))
    x = keras.layers.Reshape((2, 2, 2, 2, 3))(images)
    x = keras.layers.EinsumDense("bhpwqc,pqcd->bhwd", (2, 2, 6), bias_axes="hwd")(x)
    x = keras.layers.Reshape((4, 6))(x)
    y = keras.layers.MultiHeadAttention(2, 3)(x, x)
    patches = 4 * 6 * (2 * 2 * 3)
    projections = 4 * 4 * (6 * 6)  # four of 6 x 6, at four tokens
    products = 2 * 2 * (4 * 4 * 3)  # in two heads: q k, and the weights times v
    counted = multiply_adds(keras.Model(images, y), 4)
    assert counted == patches + projections + products


def test_a_network_of_any_size_costs_by_the_size_asked():
    network = resnet("resnet18", stem="small", width=1 / 16)
    fixed = resnet("resnet18", image_size=32, stem="small", width=1 / 16)
    assert multiply_adds(network, 32) == multiply_adds(fixed, 32)
    assert multiply_adds(network, 64) == 4 * multiply_adds(network, 32)


@pytest.mark.slow
def test_a_network_inside_is_counted_by_its_graph():
    """The same layers cost the same, whether one sees them or not."""
    for name, side in (("resnet18", 32), ("vit_small", 16), ("mobilenet_v2", 32)):
        stem = "standard" if name != "vit_small" else "small"
        inner = backbones.build(name, image_size=side, stem=stem, width=0.125)
        outer = keras.Sequential([keras.Input((side, side, 3)), inner])
        assert multiply_adds(outer, side) == multiply_adds(inner, side)
