"""Embedded images as they are read back from a file."""

import dataclasses
import json
import os
import pathlib
from typing import Any

import numpy as np

from ressl_tf.config.decoding import RGB, Decoding, as_decoding
from ressl_tf.evaluate.embeddings import npz_file, table_files
from ressl_tf.runtime import paths, stored
from ressl_tf.runtime.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Embedded:
    """Features of many images.

    Attributes:
        features: [n, f], float16 or float32; of an .npz file they stay on the disk.
        paths: text [n].
        labels: int32 [n], below 0 for none.
        label_names: the classes in the order of their numbers; empty without.
        about: encoder and set; empty where nobody wrote it down.
    """

    features: np.ndarray
    paths: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...] = ()
    about: dict[str, Any] = dataclasses.field(default_factory=dict)

    def class_name(self, row: int) -> str | None:
        """Return the name of a row's class; None without a label."""
        label = int(self.labels[row])
        return self.label_names[label] if label >= 0 and self.label_names else None


def read(path: str | os.PathLike[str]) -> Embedded:
    """Read an .npz or .parquet file of `ressl_tf.embed`.

    Args:
        path: of the file. An .npz file of others needs `features` [n, f] alone.

    Raises:
        UsageError: it is not there, or is no such file.
    """
    place = pathlib.Path(paths.local(path, "path"))
    reader = table_files.read_parquet if place.suffix == ".parquet" else npz_file.read
    try:
        embedded = _made_of(reader(place))
    except UsageError:
        raise
    except Exception as error:  # of the zip, of NumPy, of pyarrow and of the disk
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"give a file of ressl_tf.embed, .npz or .parquet. Received: "
            f"{str(place)!r} ({reason[:120]})"
        ) from None
    _check(embedded, place)
    return embedded


def decoding_of(index: Embedded) -> Decoding:
    """Return how the images of the rows were decoded, as far as it is known."""
    about = index.about
    return as_decoding(
        about.get("exif", "auto"),
        about.get("value_range", "auto"),
        channels=about.get("channels", RGB),
        pixels=about.get("pixels", "uint8"),
    )


def check_same_encoder(one: Embedded, other: Embedded, name: str) -> None:
    """Refuse features that cannot be compared.

    Raises:
        UsageError: says what differs.
    """
    widths = one.features.shape[1], other.features.shape[1]
    if widths[0] != widths[1]:
        raise UsageError(
            f"features of {name} must have the length of the others, {widths[0]}. "
            f"Received: {widths[1]}"
        )
    for key in ("weights_sha256", "outputs", "image_size"):
        wanted, found = one.about.get(key), other.about.get(key)
        if None not in (wanted, found) and wanted != found:
            raise UsageError(
                f"{name} must be embedded by the same encoder as the other file. "
                f"Received: {key}={found}, there {wanted}"
            )


def _made_of(found: dict[str, Any]) -> Embedded:
    count = len(found["features"])
    about = json.loads(str(found["about"])) if "about" in found else {}
    if not isinstance(about, dict):
        raise ValueError("its entry about is damaged")
    return Embedded(
        found["features"],
        found.get("paths", np.array([f"row {i}" for i in range(count)])),
        found.get("labels", np.full(count, -1, np.int32)),
        tuple(found.get("label_names", np.array([], np.str_)).tolist()),
        about,
    )


def _check(embedded: Embedded, place: pathlib.Path) -> None:
    stored.check_format(embedded.about, "file of features", place)
    features = embedded.features
    if features.ndim != 2 or features.dtype.kind != "f" or 0 in features.shape:
        raise UsageError(
            f"features of {place} must be numbers [n, f]. Received: "
            f"{features.dtype} {list(features.shape)}"
        )
    lengths = {len(features), len(embedded.paths), len(embedded.labels)}
    if len(lengths) > 1:
        raise UsageError(
            f"{place} must have a path and a label for each of {len(features)} rows. "
            f"Received: {len(embedded.paths)} and {len(embedded.labels)}"
        )
    labels, names = embedded.labels, embedded.label_names
    whole = labels.ndim == embedded.paths.ndim == 1 and labels.dtype.kind in "iu"
    if not whole or (names and labels.max() >= len(names)):
        raise UsageError(
            f"labels of {place} must be whole numbers, those of its classes. Received: "
            f"{labels.dtype} {list(labels.shape)}, and {len(names)} classes"
        )
