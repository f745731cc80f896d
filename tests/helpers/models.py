"""Tiny models and the flags of a tiny run."""

import keras

TINY = {
    "image_size": 16,
    "width": 1 / 16,
    "stem": "standard",
    "hidden_dim": 16,
    "embedding_dim": 8,
    "queue_size": 30,
    "batch_size": 8,
    "epochs": 3,
    "warmup_epochs": 1.0,
    "knn_every": 2,
    "knn_k": 5,
}


def tiny_backbone(batch_norm="local", size=16):
    """Return two convolutions with batch normalisation, quick to trace."""
    from ressl_tf.models.backbones.batch_norm import BatchNormalization

    layers = [keras.Input((size, size, 3))]
    for i in (1, 2):
        layers.append(keras.layers.Conv2D(8, 3, 2, use_bias=False, name=f"conv{i}"))
        layers.append(BatchNormalization(batch_norm, name=f"bn{i}"))
        layers.append(keras.layers.ReLU())
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()])


def crops():
    """Return two crops as views, without colours of the strong one, quick to trace."""
    from ressl_tf.data.augment.views import Views, weak_view

    return Views({"strong": weak_view(16), "weak": weak_view(16)})


def tiny_model(batch_norm="local", backbone=None, **options):
    """Return a compiled ReSSL model small enough for a test, the same at every call."""
    from ressl_tf.engine.optimizers import SGD
    from ressl_tf.methods.ressl import ReSSL

    keras.utils.set_random_seed(1)
    defaults = {"image_size": 16, "hidden_dim": 8, "embedding_dim": 6, "queue_size": 10}
    defaults["views"] = crops()
    backbone = backbone or tiny_backbone(batch_norm)
    model = ReSSL(backbone, **{**defaults, **options})
    model.compile(SGD(0.1))
    return model
