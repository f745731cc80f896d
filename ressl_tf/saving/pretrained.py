"""Trained encoders from disk, whatever they were saved as."""

import dataclasses
import os
import pathlib
import zipfile
from typing import Any, TypeVar

import keras

from ressl_tf.config import Config
from ressl_tf.config.method_table import METHODS
from ressl_tf.config.shown_rgb import places
from ressl_tf.engine.checkpoint import BEST, restore_network
from ressl_tf.methods import build
from ressl_tf.methods.build import build_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime import flags, keras_archive, paths, stored
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import own_classes, saved_model

ConfigT = TypeVar("ConfigT", bound=Any)  # a dataclass with the flags of data
KINDS = (
    "the workdir of a run, a SavedModel of ressl_tf.export, or a .keras file of a "
    "model that takes images"
)


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """An encoder and what is known of it.

    Attributes:
        path: where it was found.
        kind: "workdir", "saved_model" or "keras".
        encoder: images to features, and embeddings where it has a projector.
        image_size: side in pixels of the images it is made for; None when unknown.
        classifier: the fine-tuned model that the encoder is part of, or None.
        config: flags of the run that trained it; empty when unknown.
    """

    path: pathlib.Path
    kind: str
    encoder: Encoder
    image_size: int | None
    classifier: Classifier | None = None
    config: dict[str, Any] = dataclasses.field(default_factory=dict)

    def size_or(self, asked: int) -> int:
        """Return the side of the images that the encoder gets; 0 asks for its own.

        Raises:
            UsageError: when nothing says it, or the encoder takes another.
        """
        fixed = self.encoder.backbone.input_shape[1]
        size = asked or self.image_size
        if size is None:
            raise UsageError(
                f"{self.path} takes images of any size; say which by --image_size"
            )
        if fixed not in (None, size):
            raise UsageError(
                f"{self.path} takes images of {fixed} pixels. Received: "
                f"--image_size={size}"
            )
        return size

    def data_or(self, dataset: str, data_dir: str) -> tuple[str, str | None]:
        """Return data set and TFDS folder; empty asks for those of its training.

        Raises:
            UsageError: when nothing says the data set.
        """
        dataset = dataset or self.config.get("dataset", "")
        if not dataset:
            raise UsageError(
                f"{self.path} does not say what it was trained on; give --dataset"
            )
        return dataset, data_dir or self.config.get("data_dir") or None

    def resolved(self, config: ConfigT) -> ConfigT:
        """Return a command's config with the data set and decoding of the training.

        Args:
            config: what it says itself is kept.

        Raises:
            UsageError: nothing says the data set.
        """
        dataset, data_dir = self.data_or(config.dataset, config.data_dir)
        decoding = self.decoding_or(config.exif, config.value_range, config.pixels)
        where = {"dataset": dataset, "data_dir": data_dir or ""}
        return dataclasses.replace(config, **where, **decoding)

    def resolved_to_judge(self, config: ConfigT) -> ConfigT:
        """Return `resolved`, with what the run left out of its set left out here."""
        same = config.dataset in ("", self.config.get("dataset"))
        skips = same and self.config.get("on_bad_image") == "skip"
        config = self.resolved(config)
        return dataclasses.replace(config, on_bad_image="skip") if skips else config

    def rgb_or(self, rgb: str) -> str:
        """Return which channels are shown; empty asks for those of its training.

        Raises:
            UsageError: its images have no such channel.
        """
        rgb = rgb or self.config.get("rgb", "")
        places(rgb, self.encoder.channels)
        return rgb

    def decoding_or(
        self, exif: str, value_range: str, pixels: str = "auto"
    ) -> dict[str, Any]:
        """Return how images are decoded; "auto" asks for what its training did.

        Where these are the defaults, it stays "auto".
        """
        given = {"exif": exif, "value_range": value_range, "pixels": pixels}
        trained = {name: self.config.get(name, "auto") for name in given}
        if trained["exif"] == "apply":
            trained["exif"] = "auto"
        return {n: trained[n] if v == "auto" else v for n, v in given.items()}


def open_pretrained(
    path: str | os.PathLike[str], model_selection: str = "last"
) -> Pretrained:
    """Open a workdir, a SavedModel of `ressl_tf.export`, or a `.keras` file.

    Args:
        path: of the folder or file.
        model_selection: which checkpoint of a workdir: "last", or "best" of a run with
            `--keep_best`.

    Raises:
        UsageError: when there is nothing that can be used; says what was found.
        RunError: when no checkpoint of a workdir can be read.
    """
    place = pathlib.Path(paths.local(path, "path", remote=True))
    if place.is_file() and place.suffix != ".keras":  # Keras would open HDF5, too
        raise UsageError(f"give {KINDS}. Received: {path!r}, another kind of file")
    best = place / "checkpoints" / BEST
    if model_selection == "best" and not best.is_file():
        raise UsageError(
            f"{place} holds no best checkpoint, {best.relative_to(place)}: "
            "ressl_tf.train keeps one with --keep_best, by kNN on labelled images"
        )
    if place.is_file():
        return _open_keras(place)
    if (place / "saved_model.pb").is_file():
        return _open_saved_model(place)
    if (place / "classifier.keras").is_file():
        config = stored.read_config(place)
        opened = _open_keras(place / "classifier.keras", config)
        return dataclasses.replace(opened, path=place, kind="workdir", config=config)
    if (place / "config.json").is_file():
        return _open_workdir(place, best if model_selection == "best" else None)
    found = "it is a folder without config.json" if place.is_dir() else "not there"
    raise UsageError(f"give {KINDS}. Received: {path!r} ({found})")


def learns_from(workdir: str) -> str:
    """Return the kind of data of a run, "images" or "graphs"; empty for no run."""
    file = pathlib.Path(workdir) / "config.json"
    if not workdir or not file.is_file():
        return ""
    method = stored.read_config(workdir).get("method", "")
    return METHODS[method].learns_from if method in METHODS else ""


def run_config(place: pathlib.Path) -> Config:
    """Read the config of a pretraining workdir that a user names.

    Raises:
        UsageError: the folder holds no run, or one of another version.
        RunError: its config is damaged.
    """
    file = place / "config.json"
    if not file.is_file():
        found = "a folder without config.json" if place.is_dir() else "not there"
        raise UsageError(
            f"--workdir must be the folder of a run. Received: {place} ({found})"
        )
    return stored_config(place)


def stored_config(place: pathlib.Path) -> Config:
    """Read the config of a pretraining workdir.

    Raises:
        UsageError: when it is that of another command or version, or names code that
            lies in the folder.
        RunError: it is damaged.
    """
    values = stored.read_config(place)
    if "method" not in values:
        raise UsageError(
            f"{place} holds a run that is not finished; run its command again first"
        )
    values = flags.renamed(Config, values)
    known = {field.name for field in dataclasses.fields(Config)}
    if unknown := set(values) - known:
        raise UsageError(
            f"{place / 'config.json'} was written by another version of ressl_tf: it "
            f"has {', '.join(sorted(unknown))}"
        )
    lists = {n: tuple(v) for n, v in values.items() if isinstance(v, list)}
    config = Config(**{**values, **lists, "workdir": str(place)})  # it may have moved
    own_classes.refuse_inside(config.backbone, place)
    return config


def _open_workdir(place: pathlib.Path, best: pathlib.Path | None) -> Pretrained:
    config = stored_config(place)
    if METHODS[config.method].learns_from != "images":
        raise UsageError(
            f"{place} holds a run on a graph, and this is for images; ressl_tf.nodes "
            "evaluates its nodes, ressl_tf.export exports it"
        )
    online = build_model(config).online
    if restore_network(best or place / "checkpoints", "online", online) is None:
        raise UsageError(
            f"{place} holds no checkpoint: its run has not finished an epoch; "
            "run its command again first"
        )
    values = flags.as_written(config)
    return Pretrained(place, "workdir", online, config.image_size, config=values)


def _open_saved_model(place: pathlib.Path) -> Pretrained:
    part, about = saved_model.load(place)
    encoder = part.encoder if isinstance(part, Classifier) else part
    classifier = part if isinstance(part, Classifier) else None
    size, config = about["image_size"], about["config"]
    return Pretrained(place, "saved_model", encoder, size, classifier, config)


def _open_keras(path: pathlib.Path, config: dict[str, Any] | None = None) -> Pretrained:
    build.import_all()  # Keras has to know their classes
    missing = own_classes.import_code(config, path.parent)
    if zipfile.is_zipfile(path):
        keras_archive.check(path)
    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        if missing:
            raise UsageError(f"{path} is of a network of your own: {missing}") from None
        raise UsageError(
            f"give {KINDS}. Received: {str(path)!r} ({reason.strip()[:120]})"
        ) from None
    if isinstance(model, ImageSSL):
        return Pretrained(path, "keras", model.online, model.image_size)
    if isinstance(model, Classifier):
        return Pretrained(path, "keras", model.encoder, model.image_size, model)
    return _wrap_keras(path, model)


def _wrap_keras(path: pathlib.Path, model: keras.Model) -> Pretrained:
    """Any model from raw images to vectors, as a backbone that normalises itself."""
    made = getattr(model, "output", None)
    if isinstance(made, dict) and "features" in made:  # of our own export
        model = keras.Model(model.inputs, made["features"])
    shapes = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    given, made = (shape if isinstance(shape, tuple) else () for shape in shapes)
    if len(given) != 4 or not given[-1] or len(made) != 2:
        raise UsageError(
            f"a .keras model must map images [batch, h, w, c] to features [batch, f]. "
            f"Received: {str(path)!r}, which maps {shapes[0]} to {shapes[1]}"
        )
    encoder = Encoder(model, None, mean=(0.0,) * given[-1], std=(1 / 255,) * given[-1])
    return Pretrained(path, "keras", encoder, given[1])
