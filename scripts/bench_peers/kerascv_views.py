"""keras-cv's stock layers on batches, as close to the papers' views as they get."""

from collections.abc import Callable

import numpy as np

BATCHES = {32: 256, 224: 32}


def batched(images: np.ndarray, kind: str, size: int) -> Callable[[], int]:
    """Return a function that makes a batch of views and returns its image count."""
    import tensorflow as tf

    views = [_view(name, size) for name in _names(kind)]
    batch = images[: BATCHES[size]].astype("float32")
    make = tf.function(lambda: [view(tf.constant(batch)) for view in views])

    def work() -> int:
        tf.nest.map_structure(lambda view: view.numpy(), make())
        return len(batch)

    return work


def _names(kind):
    return ("weak", "strong") if kind == "pair" else (kind,)


def _view(kind, size):
    from keras_cv import layers

    geometry = [
        layers.RandomCropAndResize((size, size), (0.2, 1.0), (3 / 4, 4 / 3)),
        layers.RandomFlip("horizontal"),
    ]
    jitter = layers.RandomColorJitter((0, 255), 0.4, 0.4, 0.4, 0.1)
    colours = [
        _sometimes(jitter, 0.8),
        _sometimes(layers.Grayscale(output_channels=3), 0.2),
        _sometimes(layers.RandomGaussianBlur(13, (0.1, 2.0)), 0.5),
    ]
    chosen = {"weak": geometry, "strong": geometry + colours}[kind]

    def view(images):
        for layer in chosen:
            images = layer(images, training=True)
        return images

    return view


def _sometimes(layer, p):
    from keras_cv.layers import RandomAugmentationPipeline

    return RandomAugmentationPipeline([layer], augmentations_per_image=1, rate=p)
