"""Relational self-supervised learning of images and graphs in TensorFlow and Keras 3.

The public names are loaded when they are first used, so that `import ressl_tf` and the
`--help` of a command take no seconds. `__init__.pyi` shows them to editors.
"""

import importlib
import sys
import types

from ressl_tf.config.method_table import METHODS
from ressl_tf.runtime import console, quiet_import, registration, switches

_CLASSES = {  # that Keras has to know when it opens a saved model
    **{row.class_name: row.home.partition(":")[0] for row in METHODS.values()},
    "SGD": "ressl_tf.engine.optimizers",
    "LARS": "ressl_tf.engine.optimizers",
    "AdamW": "ressl_tf.engine.optimizers",
    "WarmupCosine": "ressl_tf.engine.schedules",
    "WarmupConstant": "ressl_tf.engine.schedules",
    "BatchNormalization": "ressl_tf.models.backbones.batch_norm",
    "Classifier": "ressl_tf.models.classifier",
    "Encoder": "ressl_tf.models.encoder",
    "Views": "ressl_tf.data.augment.views",
    "View": "ressl_tf.data.augment.view",
}
_FUNCTIONS = {
    "Config": "ressl_tf.config",
    "Graph": "ressl_tf.graphs.graph",
    "KNNCallback": "ressl_tf.evaluate.knn_callback",
    "Result": "ressl_tf.pretraining.result",
    "build_model": "ressl_tf.methods.build",
    "build_optimizer": "ressl_tf.methods.build",
    "evaluation_batches": "ressl_tf.data.pipeline",
    "feature_pyramid": "ressl_tf.saving.feature_pyramid",
    "load_source": "ressl_tf.data.load",
    "open_pretrained": "ressl_tf.saving.pretrained",
    "register_method": "ressl_tf.config.method_table",
    "steps_per_epoch": "ressl_tf.data.pipeline",
    "strong_view": "ressl_tf.data.augment.views",
    "training_batches": "ressl_tf.data.pipeline",
    "weak_view": "ressl_tf.data.augment.views",
}
_MODULES = {
    "backbones": "ressl_tf.models.backbones",
    "evaluate": "ressl_tf.evaluate",
    "losses": "ressl_tf.losses",
}
_HOMES = {**_CLASSES, **_FUNCTIONS}
_CALLS = {  # name -> command line
    "pretrain" if name == "train" else name: name
    for name in console.names()
    if name not in ("configs", "demo")
}
__all__ = [*_HOMES, *_MODULES, *_CALLS]
__version__ = "0.1.0"

switches.set_switches()
registration.register_with_keras(dict.fromkeys(_CLASSES.values()))


class _Package(types.ModuleType):
    """The package, in which `knn` is the call even when `ressl_tf.knn` was imported."""

    def __setattr__(self, name, value):
        if name not in _CALLS or not isinstance(value, types.ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module 'ressl_tf' has no attribute {name!r}")
    if "tensorflow" in sys.modules:
        return _load(name)
    with quiet_import.without_notes():
        return _load(name)


def _load(name):
    if name in _CALLS:
        calls = importlib.import_module("ressl_tf.pretraining.calls")
        globals()[name] = calls.call_of(_CALLS[name])
        return globals()[name]
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    value = getattr(importlib.import_module(_HOMES[name]), name)
    if name in _CLASSES:
        registration.import_all(dict.fromkeys(_CLASSES.values()))
    return value


def __dir__():
    return sorted([*globals(), *__all__])
