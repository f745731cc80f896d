"""A trained network again: for another image size, of stock layers, all trainable."""

from collections.abc import Callable

import keras

from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.backbones.structure import takes_any_size
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError

NormMaker = Callable[[BatchNormalization], keras.layers.Layer]


def local_norm(layer: BatchNormalization) -> BatchNormalization:
    """The same with statistics of the local batch: "sync" and "split" are of a run."""
    return BatchNormalization.from_config({**layer.get_config(), "scope": "local"})


def stock_norm(layer: BatchNormalization) -> keras.layers.BatchNormalization:
    """Keras's own; its running variance is the batch's, ours n / (n - 1) times that."""
    config = layer.get_config()
    own = {key: config[key] for key in config.keys() - {"scope", "groups"}}
    return keras.layers.BatchNormalization.from_config(own)


def rebuild(
    part: Encoder | Classifier, image_size: int | None, norm: NormMaker = local_norm
) -> Encoder | Classifier:
    """A copy with the same weights, every layer of which can be trained.

    Args:
        part: stays as it is; its projector is shared.
        image_size: side in pixels that the backbone takes; None for any height and
            width.
        norm: makes the layer that stands for one of our `BatchNormalization`.

    Raises:
        UsageError: when the backbone cannot take images of that size.
    """
    if not isinstance(part, Classifier):
        backbone = _copy(part.backbone, image_size, norm)
        return Encoder(backbone, part.projector, part.mean, part.std, name=part.name)
    copy = Classifier(
        rebuild(part.encoder, image_size, norm),
        part.classes,
        image_size=part.image_size,
        label_names=part.label_names,
        name=part.name,
    )
    copy.head.set_weights(part.head.get_weights())
    return copy


def _copy(backbone, image_size, norm):
    def clone(layer):
        if isinstance(layer, BatchNormalization):
            return norm(layer)
        copy = layer.__class__.from_config(layer.get_config())
        copy.trainable = True
        return copy

    if image_size is None and not takes_any_size(backbone):
        raise UsageError(
            f"the backbone {backbone.name} has learned positions: it takes images of "
            f"{backbone.input_shape[1:3]} alone. Received: any size"
        )
    images = keras.Input((image_size, image_size, 3), name="images")
    try:
        copy = keras.models.clone_model(
            backbone, input_tensors=images, clone_function=clone, recursive=True
        )
        copy.set_weights(backbone.get_weights())
    except (ValueError, TypeError) as error:
        wanted = f"{image_size} pixels" if image_size else "any size"
        raise UsageError(
            f"the backbone {backbone.name} cannot be rebuilt for images of {wanted} "
            f"({' '.join(str(error).split())[:120]}); it takes "
            f"{backbone.input_shape[1:3]}, see --image_size"
        ) from None
    return copy
