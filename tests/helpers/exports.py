"""Tiny encoders and classifiers with weights as after training, and their exports."""

import keras
import numpy as np
import tensorflow as tf

from helpers.models import tiny_backbone
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.saving import saved_model
from ressl_tf.saving.rebuild import rebuild

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
ABOUT = {"image_size": 16, "config": {"dataset": "shapes"}}


def trained(layer, seed=0):
    """Set every variable as after some training: random, variances positive."""
    generator = np.random.default_rng(seed)
    for variable in layer.variables:
        if variable.dtype == "float32":
            low, high = (0.5, 1.5) if "variance" in variable.name else (-0.4, 0.5)
            variable.assign(generator.uniform(low, high, variable.shape))
    return layer


def tiny_encoder(batch_norm="local", projector=True):
    return trained(
        Encoder(
            tiny_backbone(batch_norm),
            keras.Sequential([keras.Input((8,)), keras.layers.Dense(6)])
            if projector
            else None,
            MEAN,
            STD,
            name="online",
        )
    )


def tiny_classifier(frozen=False):
    names = ("cat", "dog", "owl")
    classifier = Classifier(
        tiny_encoder(), 3, frozen=frozen, image_size=16, label_names=names
    )
    return trained(classifier.head, 1) and classifier


def saved(part, folder, size=None, outputs=("features",)):
    saved_model.save(rebuild(part, size), folder, ABOUT, outputs=outputs)
    return tf.saved_model.load(str(folder))
