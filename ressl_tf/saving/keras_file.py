"""`.keras` files of stock layers, which Keras opens without this package."""

import os
import pathlib
import tempfile
from collections.abc import Sequence

import keras

from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.rebuild import rebuild, stock_norm


def stock_model(
    part: Encoder | Classifier, image_size: int | None, outputs: Sequence[str]
) -> keras.Model:
    """A functional model of stock layers with the same weights.

    Args:
        part: what is exported; stays as it is.
        image_size: side in pixels; None for any height and width.
        outputs: as in `saved_model.save`.

    Returns:
        From raw images [batch, h, w, 3] on 0..255 to features [batch, f], or to a dict
        of tensors when there are several outputs.

    Raises:
        UsageError: when the backbone has layers that are not Keras's.
    """
    part = rebuild(part, image_size, stock_norm)
    encoder = part.encoder if isinstance(part, Classifier) else part
    _refuse_foreign_layers(encoder.backbone)
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Rescaling(1 / 255, name="scale")(images)
    variance = [value**2 for value in encoder.std]
    x = keras.layers.Normalization(
        mean=list(encoder.mean), variance=variance, name="normalize"
    )(x)
    features = _float32("features")(encoder.backbone(x))
    made = {"features": features}
    if "embeddings" in outputs:
        made["embeddings"] = _float32("embeddings")(encoder.projector(features))
    if isinstance(part, Classifier):
        made["logits"] = part.head(features)
        made["probabilities"] = keras.layers.Softmax(name="probabilities")(
            made["logits"]
        )
    wanted = {name: made[name] for name in outputs}
    return keras.Model(images, wanted if len(wanted) > 1 else features, name="encoder")


def _float32(name):
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
    """Saves a model, whole or not at all; `path` ends in .keras, as Keras asks for."""
    path = pathlib.Path(path)
    with (
        replacing(path) as temporary,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
    ):
        named = pathlib.Path(folder) / path.name
        model.save(named)
        named.replace(temporary)
