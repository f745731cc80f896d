"""From a trained model to files that others use, and the card beside them."""

import dataclasses
import logging
import os
import pathlib

import tensorflow as tf

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.engine.checkpoint import sha256_of
from ressl_tf.models.backbones.structure import takes_any_size
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving import keras_file, model_card, saved_model
from ressl_tf.saving.model_card import CARD
from ressl_tf.saving.pretrained import Pretrained, open_pretrained
from ressl_tf.saving.rebuild import rebuild

log = logging.getLogger("ressl_tf")


def export(config: ExportConfig) -> dict:
    """Does what `config` says and returns what was written.

    Raises:
        UsageError: when the source cannot be used, or the output is in the way.
        RunError: when the disk refuses.
    """
    check_output(config)
    pretrained = open_pretrained(config.source)
    outputs = config.output_names or _default_outputs(pretrained)
    part = _part(pretrained, outputs)
    encoder = part.encoder if isinstance(part, Classifier) else part
    config = _with_size(config, encoder.backbone)
    lengths = {
        "features": encoder.feature_dim,
        "embeddings": encoder.embedding_dim,
        **dict.fromkeys(("logits", "probabilities"), getattr(part, "classes", 0)),
    }
    description = {
        "format": config.format,
        "kind": "classifier" if isinstance(part, Classifier) else "encoder",
        "outputs": {name: lengths[name] for name in outputs},
        "feature_dim": encoder.feature_dim,
        "parameters": sum(n.count_params() for n in saved_model.networks(part)),
        "image_size": config.image_size or None,
        "trained_image_size": pretrained.image_size,
        # Of all that is exported: alike for every format and every repetition.
        "weights_sha256": sha256_of(saved_model.networks(part)),
    }
    card = model_card.text(pretrained, description, config.path.name)
    write = _write_keras if config.format == "keras" else _write_saved_model
    try:
        written = write(config, pretrained, part, outputs, card)
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"cannot write {config.path}: {reason}") from None
    return {"path": str(config.path), **description, **written}


def _default_outputs(pretrained: Pretrained) -> tuple[str, ...]:
    return ("features", "probabilities") if pretrained.classifier else ("features",)


def _part(pretrained: Pretrained, outputs) -> Encoder | Classifier:
    """What gives the outputs, and no more: nothing untrained lies in an export."""
    encoder, classifier = pretrained.encoder, pretrained.classifier
    if {"logits", "probabilities"} & set(outputs):
        if classifier is None:
            raise UsageError(
                "--outputs: logits and probabilities are of a fine-tuned model. "
                f"Received: {pretrained.path}, an encoder without classes"
            )
        if "embeddings" in outputs:
            raise UsageError(
                "--outputs: a fine-tuned model has no projector that gives embeddings; "
                "export the pretrained one"
            )
        return classifier
    if "embeddings" not in outputs:
        return encoder.without_projector()
    if encoder.projector is None:
        raise UsageError(
            "--outputs: embeddings need a projector. "
            f"Received: {pretrained.path}, which gives features alone"
        )
    return encoder


def _with_size(config: ExportConfig, backbone) -> ExportConfig:
    """The size of the images where the backbone takes no other."""
    if config.image_size or takes_any_size(backbone):
        return config
    size = backbone.input_shape[1]
    log.info(
        "%s has learned positions: the export takes images of %d x %d pixels alone",
        backbone.name,
        size,
        size,
    )
    return dataclasses.replace(config, image_size=size)


def check_output(config: ExportConfig) -> None:
    """Refuse, before the work, an output that would replace what is no export.

    Raises:
        UsageError: says what is in the way.
    """
    path = config.path
    in_the_way = [path] if path.exists() else []
    if config.format == "keras":
        in_the_way += [path.with_name(CARD)] if path.with_name(CARD).exists() else []
        if path.is_dir():
            raise UsageError(f"--output must be a file's name. Received: {path}")
    elif path.is_dir() and not any(path.iterdir()):
        in_the_way = []
    elif path.exists() and not (path / saved_model.METADATA).is_file():
        raise UsageError(
            "--output must be a new folder, or an export of ressl_tf. Received: "
            f"{path}, which holds something else"
        )
    if in_the_way and not config.overwrite:
        raise UsageError(
            f"{in_the_way[0]} is there already; choose another --output, or "
            "--overwrite to replace it"
        )
    _check_writable(path.parent)


def _check_writable(folder: pathlib.Path) -> None:
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"--output must be in a folder that can be written: {there}")


def _write_saved_model(config, pretrained, part, outputs, card) -> dict:
    part = rebuild(part, config.image_size or None)
    about = {"image_size": pretrained.image_size, "config": pretrained.config}
    signatures = saved_model.save(
        part, config.path, about, outputs=outputs, texts={CARD: card}
    )
    files = [path for path in config.path.rglob("*") if path.is_file()]
    return {
        "endpoints": ["serve", "train"],
        "signatures": signatures,
        "bytes": sum(path.stat().st_size for path in files),
        "model_card": str(config.path / CARD),
    }


def _write_keras(config, pretrained, part, outputs, card) -> dict:
    model = keras_file.stock_model(part, config.image_size or None, outputs)
    keras_file.save(model, config.path)
    with replacing(config.path.with_name(CARD)) as temporary:
        temporary.write_text(card)
    return {
        "endpoints": ["call"],
        "bytes": config.path.stat().st_size,
        "model_card": str(config.path.with_name(CARD)),
    }
