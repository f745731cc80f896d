"""What a backbone says of itself: its blocks, and which sizes it takes."""

import keras
import pytest

from ressl_tf.models import backbones
from ressl_tf.models.backbones.structure import blocks, takes_any_size


def named(*names, model_name="own"):
    """Return a model of layers with these names, in this order."""
    x = images = keras.Input((8, 8, 3))
    for name in names:
        x = keras.layers.Conv2D(2, 1, name=name)(x)
    return keras.Model(
        images, keras.layers.GlobalAveragePooling2D()(x), name=model_name
    )


def names_of(model):
    return [[layer.name for layer in block] for block in blocks(model)]


@pytest.mark.parametrize("model_name", ["own", "resnet18"])
def test_layers_of_a_stage_are_one_block(model_name):
    names = ["layer1_0_conv1", "layer1_1_bn2", "layer2_0_conv1", "block2a_x", "block2b"]
    assert names_of(named(*names, model_name=model_name)) == [
        ["layer1_0_conv1", "layer1_1_bn2"],
        ["layer2_0_conv1"],
        ["block2a_x", "block2b"],
    ]


def test_a_layer_without_number_is_a_block_of_its_own():
    assert names_of(named("stem", "head", "layer1_a")) == [
        ["stem"],
        ["head"],
        ["layer1_a"],
    ]


def test_a_resnet_has_its_stem_and_four_stages():
    model = backbones.build("resnet18", image_size=32, width=1 / 16)
    found = [block[0].name for block in blocks(model)]
    assert found == ["conv1", "bn1", *(f"layer{i}_0_conv1" for i in range(1, 5))]


@pytest.mark.slow
def test_a_vit_takes_any_size_but_with_stock_layers():
    vit = backbones.build("vit_small", image_size=32, stem="small", width=1 / 6)
    images = keras.Input((32, 32, 3))
    for network in (vit, keras.Model(images, vit(images), name="around")):
        assert takes_any_size(network)
        assert not takes_any_size(network, stock=True)
    assert takes_any_size(named("stem"))
    assert len(blocks(vit)) == 1 + 12 + 1  # patches, blocks, norm
