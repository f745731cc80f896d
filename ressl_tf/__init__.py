"""Relational self-supervised learning of images in TensorFlow and Keras 3.

In Python the public names load with the package, so that Keras knows the classes of a
saved model. A command line loads them when it needs them: `--help` takes no seconds.
"""

import importlib
import sys

_HOMES = {
    "ReSSL": "ressl_tf.methods.ressl",
    "ReSSLMultiCrop": "ressl_tf.methods.ressl_multicrop",
    "ReSSLPlus": "ressl_tf.methods.ressl_plus",
    "ReCo": "ressl_tf.methods.reco",
    "RSA": "ressl_tf.methods.rsa",
    "BYOL": "ressl_tf.methods.byol",
    "MoCoV2": "ressl_tf.methods.mocov2",
    "RGRL": "ressl_tf.graphs.rgrl",
    "SGD": "ressl_tf.engine.optimizers",
    "LARS": "ressl_tf.engine.optimizers",
    "AdamW": "ressl_tf.engine.optimizers",
    "WarmupCosine": "ressl_tf.engine.schedules",
    "WarmupConstant": "ressl_tf.engine.schedules",
    "BatchNormalization": "ressl_tf.models.backbones.batch_norm",
    "Classifier": "ressl_tf.models.classifier",
    "Config": "ressl_tf.config",
    "Encoder": "ressl_tf.models.encoder",
    "Views": "ressl_tf.data.augment.views",
    "View": "ressl_tf.data.augment.views",
    "strong_view": "ressl_tf.data.augment.views",
    "weak_view": "ressl_tf.data.augment.views",
    "Graph": "ressl_tf.graphs.graph",
    "load_source": "ressl_tf.data.load",
    "training_batches": "ressl_tf.data.pipeline",
    "evaluation_batches": "ressl_tf.data.pipeline",
    "steps_per_epoch": "ressl_tf.data.pipeline",
    "build_model": "ressl_tf.methods.build",
    "build_optimizer": "ressl_tf.methods.build",
    "open_pretrained": "ressl_tf.saving.pretrained",
    "pretrain": "ressl_tf.pretraining.pretrain",
}
_MODULES = {
    "backbones": "ressl_tf.models.backbones",
    "evaluate": "ressl_tf.evaluate",
    "losses": "ressl_tf.losses",
}
__all__ = [*_HOMES, *_MODULES]
__version__ = "0.1.0"


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'ressl_tf' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])


# Python's documented mark of `python -m` while it is still looking for the module.
if getattr(sys, "argv", [])[:1] != ["-m"]:
    for _name in __all__:
        __getattr__(_name)
