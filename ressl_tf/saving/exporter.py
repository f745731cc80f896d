"""Export a trained model to files for other programs, with a model card."""

import dataclasses
import logging
import os
import pathlib
from typing import Any

import tensorflow as tf

from ressl_tf.config.backbone_table import check_patches
from ressl_tf.config.export_config import FILES, ExportConfig
from ressl_tf.engine.checkpoint import sha256_of
from ressl_tf.models import pyramid
from ressl_tf.models.backbones.structure import embedding_of, takes_any_size
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime import paths
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving import keras_file, model_card, saved_model
from ressl_tf.saving.converted import onnx
from ressl_tf.saving.converted.write import written as converted
from ressl_tf.saving.model_card import CARD
from ressl_tf.saving.pretrained import Pretrained, open_pretrained
from ressl_tf.saving.rebuild import rebuild

log = logging.getLogger("ressl_tf")


def export(config: ExportConfig) -> dict:
    """Export what `config` names, and return what was written.

    Raises:
        UsageError: when the source cannot be used, or the output is in the way.
        RunError: when the disk refuses.
    """
    check_output(config)
    if config.format == "onnx":
        onnx.check_installed()
    pretrained = open_pretrained(config.source, config.model_selection)
    outputs = config.output_names or _default_outputs(pretrained)
    model = _model_for(outputs, pretrained)
    backbone = saved_model.encoder_of(model).backbone
    config = _with_size(config, backbone, pretrained.image_size)
    levels = _levels(config, backbone)
    description = _describe(config, pretrained, model, outputs, levels)
    written = _write(config, pretrained, model, outputs, description)
    if levels and config.format == "saved_model":
        written["endpoints"] += ["pyramid", "train_pyramid"]
    return {"path": str(config.path), **description, **written}


def _default_outputs(pretrained: Pretrained) -> tuple[str, ...]:
    return ("features", "probabilities") if pretrained.classifier else ("features",)


def _levels(config, backbone) -> dict[str, pyramid.Level]:
    """Return the feature maps that are asked for."""
    return pyramid.levels(backbone) if "pyramid" in config.endpoints else {}


def _describe(config, pretrained, model, outputs, levels) -> dict[str, Any]:
    """Return the facts that card and result share."""
    encoder = saved_model.encoder_of(model)
    networks = saved_model.networks(model)
    lengths = {
        "features": encoder.feature_dim,
        "embeddings": encoder.embedding_dim,
        **dict.fromkeys(("logits", "probabilities"), getattr(model, "classes", 0)),
    }
    return {
        "format": config.format,
        "kind": "classifier" if isinstance(model, Classifier) else "encoder",
        "outputs": {name: lengths[name] for name in outputs},
        "feature_dim": encoder.feature_dim,
        **({"feature_maps": pyramid.described(levels)} if levels else {}),
        "parameters": sum(network.count_params() for network in networks),
        "image_size": config.image_size or None,
        "trained_image_size": pretrained.image_size,
        # Over all exported weights: the same for every format and every repetition.
        "weights_sha256": sha256_of(networks),
    }


def _model_for(outputs, pretrained: Pretrained) -> Encoder | Classifier:
    """Return the least model that gives the outputs: nothing untrained is exported."""
    if {"logits", "probabilities"} & set(outputs):
        return _classifier_for(outputs, pretrained)
    encoder = pretrained.encoder
    if "embeddings" not in outputs:
        return encoder.without_projector()
    if encoder.projector is None:
        raise UsageError(
            "--outputs: embeddings need a projector. "
            f"Received: {pretrained.path}, which gives features alone"
        )
    return encoder


def _classifier_for(outputs, pretrained: Pretrained) -> Classifier:
    if pretrained.classifier is None:
        raise UsageError(
            "--outputs: logits and probabilities are of a fine-tuned model. "
            f"Received: {pretrained.path}, an encoder without classes"
        )
    if "embeddings" in outputs:
        raise UsageError(
            "--outputs: a fine-tuned model has no projector that gives embeddings; "
            "export the pretrained one"
        )
    return pretrained.classifier


def _with_size(config: ExportConfig, backbone, trained) -> ExportConfig:
    """Fill in the size of the images where backbone or format take no other."""
    if embedding := embedding_of(backbone):
        asked = config.image_size or embedding.patch
        check_patches(backbone.name, embedding.patch, [asked])
    if config.image_size:
        return config
    if takes_any_size(backbone, stock=config.format != "saved_model"):
        size = trained if config.format == "litert" else 0
        return dataclasses.replace(config, image_size=size or 0)
    size = backbone.input_shape[1] or trained
    log.info(
        "%s has learned positions: the export takes images of %d x %d pixels alone",
        *(backbone.name, size, size),
    )
    return dataclasses.replace(config, image_size=size)


def check_output(config: ExportConfig) -> None:
    """Refuse an output before the work; only an export is ever replaced.

    Raises:
        UsageError: says what is in the way.
    """
    paths.check_text(config.path, "--output")
    check = _existing_file if config.format in FILES else _existing_saved_model
    existing = check(config.path)
    if existing and not config.overwrite:
        raise UsageError(
            f"{existing[0]} is there already; choose another --output, or "
            "--overwrite to replace it"
        )
    _check_writable(config.path.parent)


def _existing_file(path: pathlib.Path) -> list[pathlib.Path]:
    if path.is_dir():
        raise UsageError(f"--output must be a file's name. Received: {path}")
    return [file for file in (path, model_card.beside(path)) if file.exists()]


def _existing_saved_model(path: pathlib.Path) -> list[pathlib.Path]:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return []
    if not (path / saved_model.METADATA).is_file():
        raise UsageError(
            "--output must be a new folder, or an export of ressl_tf. Received: "
            f"{path}, which holds something else"
        )
    return [path]


def _check_writable(folder: pathlib.Path) -> None:
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"--output must be in a folder that can be written: {there}")


def _write(config, pretrained, model, outputs, description) -> dict[str, Any]:
    """Write model and card.

    Raises:
        RunError: The disk refuses.
    """
    write = _write_converted if config.is_converted else WRITERS[config.format]
    try:
        return write(config, pretrained, model, outputs, description)
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"cannot write {config.path}: {reason}") from None


def _write_saved_model(config, pretrained, model, outputs, description):
    card = model_card.text(pretrained, description, config.path.name)
    model = rebuild(model, config.image_size or None)
    about = {"image_size": pretrained.image_size, "config": pretrained.config}
    levels = _levels(config, saved_model.encoder_of(model).backbone)
    signatures = saved_model.save(
        *(model, config.path, about),
        outputs=outputs,
        levels=levels,
        texts={CARD: card},
    )
    files = [path for path in config.path.rglob("*") if path.is_file()]
    return {
        "endpoints": ["serve", "train"],
        "signatures": signatures,
        "bytes": sum(path.stat().st_size for path in files),
        "model_card": str(config.path / CARD),
    }


def _write_keras(config, pretrained, model, outputs, description) -> dict[str, Any]:
    levels = _levels(config, saved_model.encoder_of(model).backbone)
    size = config.image_size or None
    stock = keras_file.stock_model(model, size, outputs, levels)
    keras_file.save(stock, config.path)
    return {
        "endpoints": ["call"],
        "bytes": config.path.stat().st_size,
        "model_card": _write_card(config, pretrained, description),
    }


def _write_converted(config, pretrained, model, outputs, description):
    levels = _levels(config, saved_model.encoder_of(model).backbone)
    with converted(config, pretrained, model, outputs, levels) as facts:
        card = _write_card(config, pretrained, {**description, **facts})
    return {**facts, "model_card": card}


def _write_card(config, pretrained, description) -> str:
    """Write the card of a file beside it, and return its path."""
    beside = model_card.beside(config.path)
    with replacing(beside) as temporary:
        temporary.write_text(model_card.text(pretrained, description, config.path.name))
    return str(beside)


WRITERS = {"keras": _write_keras, "saved_model": _write_saved_model}
