"""Embed all images of a set: read, compute, keep in parts, write one file."""

import contextlib
import hashlib
import json
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

import ressl_tf
from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.data.load import list_source
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import reason_unreadable, unreadable_example
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate.embeddings import writers
from ressl_tf.evaluate.embeddings.embed_loop import Loop
from ressl_tf.evaluate.embeddings.identity import weights_of
from ressl_tf.evaluate.embeddings.parts import Parts
from ressl_tf.evaluate.embeddings.table import Table
from ressl_tf.runtime import paths, stored
from ressl_tf.runtime.atomic import remove, replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.file_names import printable
from ressl_tf.saving.pretrained import Pretrained, open_pretrained

log = logging.getLogger("ressl_tf")
NAMED = 10  # unreadable images in the log and the JSON line


def embed(config: EmbedConfig) -> dict[str, Any]:
    """Write the features of every readable image, or go on where that was stopped.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when encoder, images or output cannot be used.
        RunError: when an image cannot be read and the config says stop, when features
            are not finite, or when the disk is full.
        Interrupted: when SIGTERM or SIGINT asked it to stop, and it is saved.
    """
    _check_output(config)
    opened = open_pretrained(config.source, config.model_selection)
    config = opened.resolved(config)
    size = opened.size_or(config.image_size)
    source = list_source(config, config.split, opened.encoder.channels)
    model = forward_model(config, opened)
    writers.check_available(config.format_name, source.size)
    about = describe(config, opened, size)
    with Workdir(config, flag="--output") as workdir:
        _check_same(workdir.path, about, source)
        parts = Parts(workdir.path)
        speed = Loop(config, source, model, size).run(parts)
        line = _finish(config, source, parts, about)
    remove(workdir.path)
    return {**line, "images_per_second": speed, "output": config.output}


def forward_model(config: EmbedConfig, opened: Pretrained) -> keras.Model:
    """Return the model from raw images to what is written.

    Raises:
        UsageError: embeddings are asked of an encoder without a projector.
    """
    if not config.embedding:
        return opened.encoder.feature_model()
    if opened.encoder.projector is None:
        raise UsageError(
            f"--embedding needs a projector, and {config.source} has none; take the "
            "workdir of the run, or leave --embedding out"
        )
    return keras.Sequential([opened.encoder])


def describe(config: EmbedConfig, opened: Pretrained, size: int) -> dict[str, Any]:
    """Return what has to be known of the rows: who made them, of what."""
    return {
        stored.KEY: stored.FORMATS["file of features"],
        "model": str(pathlib.Path(config.source).absolute()),
        "model_selection": config.model_selection,
        "weights_sha256": weights_of(opened.encoder, config.embedding),
        "outputs": "embeddings" if config.embedding else "features",
        "image_size": size,
        "dataset": paths.as_written(config.dataset),
        "split": config.split,
        "exif": config.exif,
        "value_range": config.value_range,
        "pixels": config.pixels,
        "channels": opened.encoder.channels,
        "rgb": opened.rgb_or(config.rgb),
        "ressl_tf": ressl_tf.__version__,
    }


def _check_output(config: EmbedConfig) -> None:
    """Refuse what is there already; make the folder around it before the work."""
    begun = pathlib.Path(config.run_dir)
    if config.format_name in ("tfrecord", "projector"):
        paths.check_text(config.path, "--output")
    if config.path.exists() and not config.overwrite and not begun.exists():
        raise UsageError(
            f"--output must be a name that is free, or give --overwrite. Received: "
            f"{config.output}"
        )
    if config.format_name == "projector" and config.path.is_file():
        raise UsageError(
            f"--output of --format=projector is a folder. Received: {config.output}"
        )
    if config.format_name != "projector" and config.path.is_dir():
        raise UsageError(f"--output is a file. Received: the folder {config.output}")


def _check_same(folder: pathlib.Path, about: dict[str, Any], source: Source) -> None:
    """Refuse to go on with other weights or another list of images."""
    wanted = {"weights_sha256": about["weights_sha256"], "images": _listing(source)}
    file = folder / "identity.json"
    if file.exists() and json.loads(file.read_text()) != wanted:
        raise UsageError(
            f"{folder} was begun with other weights or another list of images; remove "
            "it, or choose another --output"
        )
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(wanted))


def _listing(source: Source) -> str:
    digest = hashlib.sha256()
    for row in range(source.size):
        digest.update(source.example_name(row).encode("utf-8", "surrogateescape"))
        digest.update(b"\0")
    return digest.hexdigest()


def _finish(
    config: EmbedConfig, source: Source, parts: Parts, about: dict[str, Any]
) -> dict[str, Any]:
    rows, labels = parts.rows_and_labels()
    bad = np.setdiff1d(np.arange(source.size), rows)
    if not len(rows):
        raise RunError(
            f"none of {source.size} images can be read; the first: "
            f"{printable(source.example_name(0))}: {source.why_unreadable(0)}"
        )
    if config.on_bad_image == "stop" and len(bad):
        raise unreadable_example(source, int(bad[0]))
    table = Table(
        source=source,
        rows=rows,
        labels=labels,
        shape=(len(rows), next(iter(parts)).features.shape[1]),
        dtype=np.dtype(config.dtype),
        blocks=lambda: (part.features for part in parts),
        about=about,
    )
    with _as_usage_error(config):
        writers.write(config.format_name, config.path, table)
        _list_unreadable(config, source, bad)
    return {
        "command": "embed",
        "encoder": config.source,
        **{key: about[key] for key in ("outputs", "dataset", "split", "image_size")},
        "images": len(rows),
        "unreadable": len(bad) + len(source.skipped),
        "feature_dim": table.shape[1],
        "dtype": config.dtype,
        "format": config.format_name,
        "weights_sha256": about["weights_sha256"],
    }


@contextlib.contextmanager
def _as_usage_error(config: EmbedConfig) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"--output must be a name that can be written. Received: {config.output} "
            f"({error.strerror or error})"
        ) from None


def _list_unreadable(config: EmbedConfig, source: Source, bad: np.ndarray) -> None:
    """Write OUTPUT.unreadable.jsonl, and name the first few in the log."""
    path = config.path.with_name(f"{config.path.name}.unreadable.jsonl")
    entries = [{"path": name, "reason": "not listed"} for name in source.skipped]
    for row in bad.tolist():
        reason = reason_unreadable(source, row)
        entries.append({"path": source.example_name(row), "reason": reason})
    path.unlink(missing_ok=True)
    if not entries:
        return
    with replacing(path) as temporary:
        temporary.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    named = ", ".join(printable(entry["path"]) for entry in entries[:NAMED])
    more = ", ..." if len(entries) > NAMED else ""
    log.warning("%d unreadable: %s%s (%s)", len(entries), named, more, path)
