"""Copies of a trained network: another image size, stock layers, all trainable."""

from collections.abc import Callable
from typing import Any

import keras

from ressl_tf.models.backbones import patches
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.backbones.patches import PatchEmbedding
from ressl_tf.models.backbones.structure import embedding_of, takes_any_size
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.models.step_draws import StepDropout
from ressl_tf.runtime.errors import UsageError

NormMaker = Callable[[BatchNormalization], keras.layers.Layer]


def local_norm(layer: BatchNormalization) -> BatchNormalization:
    """Copy a layer, with statistics of the local batch.

    The scopes "sync" and "split" only make sense in the run that used them.
    """
    return BatchNormalization.from_config({**layer.get_config(), "scope": "local"})


def stock_norm(layer: BatchNormalization) -> keras.layers.BatchNormalization:
    """Convert a layer to Keras's own.

    Its running variance is the batch's; ours is n / (n - 1) times that.
    """
    config = layer.get_config()
    stock = {key: config[key] for key in config.keys() - {"scope", "groups"}}
    return keras.layers.BatchNormalization.from_config(stock)


def rebuild(
    model: Encoder | Classifier, image_size: int | None, norm: NormMaker = local_norm
) -> Encoder | Classifier:
    """Copy a model with its weights and make every layer trainable.

    Args:
        model: The original. It stays as it is; its projector is shared.
        image_size: Side in pixels that the backbone takes; None for any height and
            width.
        norm: Makes the layer that replaces one of our `BatchNormalization`.

    Raises:
        UsageError: The backbone cannot take images of that size.
    """
    if isinstance(model, Classifier):
        return _rebuild_classifier(model, image_size, norm)
    return _rebuild_encoder(model, image_size, norm)


def _rebuild_encoder(encoder: Encoder, image_size, norm) -> Encoder:
    backbone = _copy(encoder.backbone, image_size, norm)
    return Encoder(
        backbone, encoder.projector, encoder.mean, encoder.std, name=encoder.name
    )


def _rebuild_classifier(classifier: Classifier, image_size, norm) -> Classifier:
    copy = Classifier(
        _rebuild_encoder(classifier.encoder, image_size, norm),
        classifier.classes,
        image_size=classifier.image_size,
        label_names=classifier.label_names,
        name=classifier.name,
    )
    copy.head.set_weights(classifier.head.get_weights())
    return copy


def _copy(backbone, image_size, norm):
    def clone(layer):
        if isinstance(layer, BatchNormalization):
            return norm(layer)
        if isinstance(layer, StepDropout) and norm is stock_norm:
            kept = {"noise_shape": layer.noise_shape, "name": layer.name}
            return keras.layers.Dropout(layer.rate, **kept)
        if isinstance(layer, PatchEmbedding) and norm is stock_norm and image_size:
            channels = backbone.input_shape[3]
            return patches.stock_layers(layer, image_size, channels)
        return layer.__class__.from_config(layer.get_config())

    if image_size is None and not takes_any_size(backbone):
        raise UsageError(
            f"the backbone {backbone.name} has learned positions: it takes images of "
            f"{backbone.input_shape[1:3]} alone. Received: any size"
        )
    shape = (image_size, image_size, backbone.input_shape[3])
    images = keras.Input(shape, name="images")
    try:
        copy = keras.models.clone_model(
            backbone, input_tensors=images, clone_function=clone, recursive=True
        )
        copy.set_weights(_weights(backbone, image_size, norm))
    except (ValueError, TypeError) as error:
        raise _wrong_size(backbone, image_size, error) from None
    for part in copy._flatten_layers():
        part.trainable = True
    return copy


def _weights(backbone, image_size, norm) -> list[Any]:
    """Return the weights of a copy; stock layers keep no positions to interpolate."""
    embedding = embedding_of(backbone)
    if embedding is None or norm is not stock_norm or not image_size:
        return backbone.get_weights()
    return [
        weight
        for layer in backbone.layers
        for weight in (
            patches.stock_weights(embedding, image_size)
            if layer is embedding
            else layer.get_weights()
        )
    ]


def _wrong_size(backbone, image_size, error: Exception) -> UsageError:
    wanted = f"{image_size} pixels" if image_size else "any size"
    return UsageError(
        f"the backbone {backbone.name} cannot be rebuilt for images of {wanted} "
        f"({' '.join(str(error).split())[:120]}); it takes "
        f"{backbone.input_shape[1:3]}, see --image_size"
    )
