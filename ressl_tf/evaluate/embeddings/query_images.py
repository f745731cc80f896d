"""Features of query images: computed by the encoder of the index, or read."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from ressl_tf.config.decoding import Decoding
from ressl_tf.config.search_config import INDEX_FILES, SearchConfig
from ressl_tf.data.decode import complaint, decode_any
from ressl_tf.data.pipeline import centre_crop
from ressl_tf.evaluate.embeddings.embedded import (
    Embedded,
    check_same_encoder,
    decoding_of,
    read,
)
from ressl_tf.evaluate.embeddings.identity import weights_of
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained


def features_of(config: SearchConfig, index: Embedded) -> tuple[list[str], np.ndarray]:
    """Return names and features [m, f] of all queries.

    Raises:
        UsageError: a query cannot be read, or is of another encoder than the index.
    """
    names: list[str] = []
    blocks = []
    images = [q for q in config.query if pathlib.Path(q).suffix not in INDEX_FILES]
    if images:
        names += images
        blocks.append(_embed(config, index, images))
    for file in (query for query in config.query if query not in images):
        queries = read(file)
        check_same_encoder(index, queries, file)
        names += queries.paths.tolist()
        blocks.append(np.asarray(queries.features, np.float32))
    return names, np.concatenate(blocks)


def _embed(config: SearchConfig, index: Embedded, names: list[str]) -> np.ndarray:
    path = config.model or index.about.get("model")
    if not path:
        raise UsageError(
            f"{config.index} does not name its encoder; give it by --model"
        )
    opened = open_pretrained(path, index.about.get("model_selection", "last"))
    encoder = opened.encoder
    embeddings = index.about.get("outputs") == "embeddings"
    digest = weights_of(encoder, embeddings)
    if digest != index.about.get("weights_sha256", digest):
        raise UsageError(
            f"the encoder {path} has other weights than the index was made with; "
            "embed the set again, or give the right one by --model"
        )
    size = opened.size_or(index.about.get("image_size", 0))
    decoding = dataclasses.replace(decoding_of(index), channels=encoder.channels)
    images = tf.stack([_image(name, size, decoding) for name in names])
    found = encoder(images) if embeddings else encoder.features(images)
    if found.shape[1] != index.features.shape[1]:
        raise UsageError(
            f"{path} gives {found.shape[1]} numbers an image, and {config.index} holds "
            f"{index.features.shape[1]}; give the right encoder by --model"
        )
    return found.numpy()


def _image(name: str, size: int, decoding: Decoding) -> tf.Tensor:
    try:
        image = decode_any(tf.io.read_file(name), decoding)
        return centre_crop(image[None], size)[0]
    except tf.errors.OpError as error:
        raise UsageError(
            f"--query must be an image or a file of ressl_tf.embed. Received: {name} "
            f"({complaint(error)})"
        ) from None
