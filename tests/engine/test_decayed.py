"""What decays of a ViT and a ResNet where biases and the like are spared."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.engine.optimizers import LARS, SGD, AdamW
from ressl_tf.models import backbones

RATE, DECAY = 0.5, 0.25


@pytest.mark.slow
@pytest.mark.parametrize("cls", [SGD, LARS, AdamW])
def test_kernels_of_a_transformer_decay_and_nothing_else(cls):
    vit = backbones.build("vit_small", image_size=16, stem="small", width=0.05)
    for variable in vit.trainable_variables:
        variable.assign(tf.ones_like(variable))
    optimizer = cls(RATE, weight_decay=DECAY, decay_bias_and_norm=False)
    optimizer.build(vit.trainable_variables)
    zeros = [tf.zeros_like(variable) for variable in vit.trainable_variables]
    optimizer.apply(zeros, vit.trainable_variables)
    moved = {v.path for v in vit.trainable_variables if not np.allclose(v, 1.0)}
    kernels = {v.path for v in vit.trainable_variables if v.path.endswith("/kernel")}
    assert moved == kernels
    assert {"patches/bias", "norm/gamma"} <= {v.path for v in vit.trainable_variables}
    for variable in vit.trainable_variables if cls is not LARS else ():
        wanted = 1 - RATE * DECAY if variable.path in kernels else 1.0
        np.testing.assert_allclose(variable, wanted * np.ones(variable.shape))


def test_positions_and_class_tokens_of_other_networks_are_spared():
    from ressl_tf.engine.decayed import is_matrix

    class Variable:
        shape = tf.TensorShape([1, 4, 8])

        def __init__(self, path):
            self.path = path

    spared = ["vit/position_embedding/embeddings", "vit/pos_embed", "vit/cls_token"]
    spared += ["token/class_token", "block/attention/query/bias", "class_embedding"]
    kept = ["block/kernel", "debias/kernel", "composition/kernel", "embedding/kernel"]
    assert not any(is_matrix(Variable(path)) for path in spared)
    assert all(is_matrix(Variable(path)) for path in kept)
