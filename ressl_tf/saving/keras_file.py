"""Write `.keras` files of stock layers, which Keras opens without this package."""

import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence

import keras

from ressl_tf.models import pyramid
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.models.pyramid import Level
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.rebuild import rebuild, stock_norm
from ressl_tf.saving.saved_model import encoder_of


def stock_model(
    model: Encoder | Classifier,
    image_size: int | None,
    outputs: Sequence[str],
    levels: Mapping[str, Level] | None = None,
) -> keras.Model:
    """Build a functional model of stock layers with the same weights.

    Args:
        model: The model to export; it stays as it is.
        image_size: Side in pixels; None for any height and width.
        outputs: Names of outputs, as in `saved_model.save`.
        levels: Feature maps, which are outputs, too; those of the model's backbone.

    Returns:
        A model from raw images [batch, h, w, 3] on 0..255 to features [batch, f], or
        to a dict of tensors when there are several outputs, or maps.

    Raises:
        UsageError: The backbone has layers that are not Keras's.
    """
    model = rebuild(model, image_size, stock_norm)
    _refuse_foreign_layers(encoder_of(model).backbone)
    return functional(model, outputs, levels)


def functional(
    model: Encoder | Classifier,
    outputs: Sequence[str],
    levels: Mapping[str, Level] | None = None,
) -> keras.Model:
    """Return a model as a functional one; its layers are shared.

    Args:
        model: Of `rebuild`.
        outputs: Of `stock_model`.
        levels: Of `stock_model`.

    Returns:
        What `stock_model` does.
    """
    encoder = encoder_of(model)
    shape = (*encoder.backbone.input_shape[1:3], encoder.channels)
    images = keras.Input(shape, name="images")
    normal = normalized(images, encoder)
    tensors, maps = _features(encoder.backbone, normal, levels or {})
    features = tensors["features"]
    if "embeddings" in outputs:
        assert encoder.projector is not None, "embeddings need a projector"
        tensors["embeddings"] = float32("embeddings")(encoder.projector(features))
    if isinstance(model, Classifier):
        softmax = keras.layers.Softmax(name="probabilities")
        tensors["logits"] = model.head(features)
        tensors["probabilities"] = softmax(tensors["logits"])
    wanted = {name: tensors[name] for name in outputs} | maps
    return keras.Model(images, wanted if len(wanted) > 1 else features, name="encoder")


def _features(backbone, images, levels):
    """Return the features, by name, and the maps, by name, of normalised images."""
    if not levels:
        return {"features": float32("features")(backbone(images))}, {}
    strides = [each.stride for each in levels.values()]
    copied = pyramid.levels(backbone, strides)
    outputs = {name: each.output for name, each in copied.items()}
    outputs["features"] = backbone.outputs[0]
    made = keras.Model(backbone.inputs[0], outputs, name=backbone.name)(images)
    cast = {name: float32(name)(each) for name, each in made.items()}
    return {"features": cast.pop("features")}, cast


def normalized(images: keras.KerasTensor, encoder: Encoder) -> keras.KerasTensor:
    """Scale raw images to 0..1, less the mean, by the standard deviation.

    In one layer that has its numbers as configuration: a Normalization keeps them as
    constants, which ONNX files and others then ask for as inputs.
    """
    normalize = keras.layers.Rescaling(
        scale=[1 / (255 * std) for std in encoder.std],
        offset=[-m / s for m, s in zip(encoder.mean, encoder.std, strict=True)],
        name="normalize",
    )
    return normalize(images)


def float32(name: str) -> keras.layers.Layer:
    """Return a layer that casts; it names an output."""
    return keras.layers.Activation("linear", dtype="float32", name=name)


def _refuse_foreign_layers(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            _refuse_foreign_layers(layer)
        elif type(layer).__module__.split(".")[0] != "keras":
            raise UsageError(
                f"--format=keras takes stock layers alone. Received: {layer.name}, a "
                f"{type(layer).__name__}; use --format=saved_model"
            )


def save(model: keras.Model, path: str | os.PathLike) -> None:
    """Save a model, whole or not at all; Keras asks for a path that ends in .keras."""
    path = pathlib.Path(path)
    with (
        replacing(path) as temporary,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
    ):
        named = pathlib.Path(folder) / path.name
        model.save(named)
        named.replace(temporary)
