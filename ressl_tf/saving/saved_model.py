"""Write SavedModels that TensorFlow alone runs and trains further; read them back.

`tf.saved_model.load` gives an object with

- `serve(images)` and `train(images)`: dicts of float32 tensors [batch, length]. `train`
  is the forward pass in training mode: statistics of the batch, running ones move.
- `pyramid(images)` and `train_pyramid(images)`, where feature maps were asked for:
  dicts of float32 [batch, h / stride, w / stride, channels], see `models.pyramid`.
- `variables`, `trainable_variables`, `non_trainable_variables`.

Images are uint8 or float32 [batch, height, width, channels] on 0..255. Signatures for
servers are `serving_default` (uint8), `serving_float32`, `serving_pyramid` (uint8)
and, where the size of the training images is known, `serving_encoded` (bytes of image
files, decoded as `data.decode` does, as in training, and cropped as evaluation crops).
`ressl_tf.json` beside the graph holds what rebuilds the Keras object.
"""

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.config.decoding import RGB, Decoding, as_decoding
from ressl_tf.data import headers
from ressl_tf.data.centre_crop import centre_crop
from ressl_tf.data.decode import decode_image
from ressl_tf.models import pyramid
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.models.pyramid import Level
from ressl_tf.runtime import keras_archive, stored
from ressl_tf.runtime.atomic import replacing_folder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import graph_ops, own_classes

METADATA = "ressl_tf.json"
GRAPH = "graph"  # its "kind" in an export of `graphs.graph_export`
# What Keras has to know by name before it reads a model; importing them registers them.
CLASSES = (BatchNormalization, Classifier, Encoder)
VARIABLES = "variables/variables"


def networks(model: Encoder | Classifier) -> list[keras.layers.Layer]:
    """Return the networks that are saved; step and metrics are not."""
    return list(model.networks.values()) if isinstance(model, Classifier) else [model]


def encoder_of(model: Encoder | Classifier) -> Encoder:
    """Return the encoder of a classifier, and an encoder as it is."""
    return model.encoder if isinstance(model, Classifier) else model


def save(
    model: Encoder | Classifier,
    folder: str | os.PathLike,
    about: Mapping[str, Any],
    *,
    outputs: Sequence[str] = ("features",),
    levels: Mapping[str, Level] | None = None,
    texts: Mapping[str, str] | None = None,
) -> list[str]:
    """Write a SavedModel, whole or not at all; an existing one is replaced.

    Args:
        model: Model whose backbone takes the images of the signatures.
        folder: Folder of the SavedModel.
        about: "image_size" (side of the training images, or None), "config" (flags of
            the run), and whatever else JSON can hold; `load` returns it.
        outputs: Some of "features", "embeddings" (an encoder with projector), "logits"
            and "probabilities" (a classifier).
        levels: Feature maps of the backbone, of `models.pyramid.levels`; None for none.
        texts: File name -> text of further files in the folder.

    Returns:
        The names of the signatures.
    """
    root = _root(model, outputs)
    signatures = _signatures(root, model, about)
    if levels:
        signatures["serving_pyramid"] = _add_pyramid(root, encoder_of(model), levels)
    with replacing_folder(pathlib.Path(folder)) as temporary:
        tf.saved_model.save(root, str(temporary), signatures=signatures)
        for name, text in (texts or {}).items():
            (temporary / name).write_text(text)
        metadata = {
            stored.KEY: stored.FORMATS["SavedModel"],
            "about": dict(about),
            "model": keras.saving.serialize_keras_object(model),
            "sha256": _hashes(temporary),
        }
        (temporary / METADATA).write_text(json.dumps(metadata, indent=1) + "\n")
    return sorted(signatures)


def load(folder: str | os.PathLike) -> tuple[Encoder | Classifier, dict[str, Any]]:
    """Return the Keras object that `save` wrote, and its `about`.

    Raises:
        UsageError: The folder is no such SavedModel, or a damaged one.
    """
    folder = pathlib.Path(folder)
    if not (folder / METADATA).is_file():
        raise UsageError(
            f"{folder} is a SavedModel of another program: it has no {METADATA}; give "
            "one of ressl_tf.export, a workdir, or a .keras file"
        )
    missing = ""
    try:
        metadata = json.loads((folder / METADATA).read_text())
        stored.check_format(metadata, "SavedModel", folder)
        if metadata.get("kind") == GRAPH:
            raise UsageError(
                f"{folder} is an export of a run on a graph, and this is for images"
            )
        _check_hashes(folder, metadata["sha256"])
        keras_archive.check_config(metadata["model"], str(folder / METADATA))
        graph_ops.check(folder)
        missing = own_classes.import_code(metadata["about"].get("config"), folder)
        model = keras.saving.deserialize_keras_object(metadata["model"])
        _restore(model, folder)
        return model, metadata["about"]
    except UsageError:
        raise
    # JSON, Keras or TensorFlow raise it: the file is cut, or of another version.
    except Exception as error:
        if missing:
            raise UsageError(
                f"the SavedModel {folder} is of a network of your own: {missing}"
            ) from None
        reason = (str(error).split("\n")[0] or type(error).__name__)[:120]
        raise UsageError(
            f"the SavedModel {folder} is damaged or of another version ({reason}); "
            "export it again"
        ) from None


def _restore(model, folder):
    values = [v.value for network in networks(model) for v in network.variables]
    status = tf.train.Checkpoint(variables=values).restore(str(folder / VARIABLES))
    status.expect_partial().assert_existing_objects_matched()


def _hashes(folder) -> dict[str, str]:
    paths = [folder / "saved_model.pb", *sorted((folder / "variables").iterdir())]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in paths
    }


def _check_hashes(folder, expected):
    there = _hashes(folder)
    for name, digest in expected.items():
        if there.get(name) != digest:
            state = "differs from what was saved" if name in there else "is missing"
            raise UsageError(
                f"the SavedModel {folder} is damaged: {name} {state}; export it again"
            )


def _root(model, outputs) -> tf.train.Checkpoint:
    """Return a plain object that holds the endpoints and the variables."""
    root = tf.train.Checkpoint()
    root.serve = _endpoint(model, outputs, training=False)
    root.train = _endpoint(model, outputs, training=True)
    variables = [v for network in networks(model) for v in network.variables]
    root.variables = [v.value for v in variables]
    root.trainable_variables = [v.value for v in variables if v.trainable]
    root.non_trainable_variables = [v.value for v in variables if not v.trainable]
    return root


def _endpoint(model, outputs, training) -> tf.types.experimental.GenericFunction:
    encoder = encoder_of(model)

    def forward(images):
        features = encoder.features(images, training=training)
        tensors = {"features": features}
        if "embeddings" in outputs:
            embeddings = encoder.projector(features, training=training)
            tensors["embeddings"] = tf.cast(embeddings, tf.float32)
        if isinstance(model, Classifier):
            tensors["logits"] = model.head(features)
            tensors["probabilities"] = tf.nn.softmax(tensors["logits"])
        return {name: tensors[name] for name in outputs}

    forward = tf.function(forward, autograph=False)

    def endpoint(images):  # one graph for both types
        return forward(tf.cast(images, tf.float32))

    compiled = tf.function(endpoint, autograph=False)
    for spec in _specs(model):
        compiled.get_concrete_function(spec)
    return compiled


def _add_pyramid(root, encoder: Encoder, levels: Mapping[str, Level]):
    """Add the endpoints of feature maps to an object; return that of a signature."""
    network = pyramid.network(encoder.backbone, levels)

    def endpoint(images, training):
        maps = network(encoder.normalized(images), training=training)
        return {name: tf.cast(each, tf.float32) for name, each in maps.items()}

    def compiled(training):
        made = tf.function(
            lambda images: endpoint(images, training=training), autograph=False
        )
        for spec in _specs(encoder):
            made.get_concrete_function(spec)
        return made

    root.pyramid, root.train_pyramid = compiled(False), compiled(True)
    return root.pyramid.get_concrete_function(_specs(encoder)[0])


def _specs(model) -> list[tf.TensorSpec]:
    shape = [None, *encoder_of(model).backbone.input_shape[1:]]
    return [tf.TensorSpec(shape, dtype, "images") for dtype in (tf.uint8, tf.float32)]


def _signatures(root, model, about) -> dict[str, Any]:
    bytes_spec, float_spec = _specs(model)
    signatures = {
        "serving_default": root.serve.get_concrete_function(bytes_spec),
        "serving_float32": root.serve.get_concrete_function(float_spec),
    }
    size, channels = bytes_spec.shape[1] or about["image_size"], bytes_spec.shape[3]
    if size and channels in (1, RGB):
        encoded = tf.TensorSpec([None], tf.string, "image_bytes")
        decoding = _decoding(about.get("config") or {}, channels)
        served = _encoded_endpoint(root.serve, size, decoding)
        signatures["serving_encoded"] = served.get_concrete_function(encoded)
    return signatures


def _decoding(config: Mapping[str, Any], channels: int) -> Decoding:
    """Return how the training images were decoded, for those that are served."""
    exif, value_range = (config.get(name, "auto") for name in ("exif", "value_range"))
    pixels = config.get("pixels", "uint8")
    return as_decoding(exif, value_range, channels=channels, pixels=pixels)


def _encoded_endpoint(serve, size, decoding) -> tf.types.experimental.GenericFunction:
    def crop(encoded):
        return centre_crop(decode_image(encoded, decoding)[None], size)[0]

    def endpoint(image_bytes):
        spec = tf.TensorSpec([size, size, decoding.channels], decoding.dtype)
        with tf.control_dependencies([_assert_images(image_bytes)]):
            image_bytes = tf.identity(image_bytes)
        return serve(tf.map_fn(crop, image_bytes, fn_output_signature=spec))

    return tf.function(endpoint, autograph=False)


def _assert_images(image_bytes):
    """Name the places of what is no image that is read in a batch of files.

    One such file fails the batch: TensorFlow's decoders have no result for it, and a
    made-up one would be a wrong figure.
    """
    of_image = tf.map_fn(
        lambda encoded: headers.read_header(encoded).refusal() == "",
        image_bytes,
        fn_output_signature=tf.bool,
    )
    told = f"image_bytes takes {headers.FORMATS} files; something else is at places"
    places = tf.where(~of_image)[:, 0]
    return tf.debugging.Assert(tf.reduce_all(of_image), [told, places], summarize=20)
