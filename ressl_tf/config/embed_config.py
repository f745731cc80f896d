"""Flags of `python -m ressl_tf.embed`."""

import dataclasses
import pathlib

from ressl_tf.config import data_flags, decoding, recovery, selection, shown_rgb
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

FILES = {
    ".npz": "npz",
    ".parquet": "parquet",
    ".csv": "csv",
    ".tfrecord": "tfrecord",
}
FORMATS = ("auto", *FILES.values(), "projector")


@dataclasses.dataclass(frozen=True)
class EmbedConfig:
    """Which encoder embeds which images, and the file for the result.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    workdir: str = option(
        "",
        "Encoder: the workdir of a run, of a fine-tuning or of a conversion.",
        group="encoder",
        path=True,
        remote=True,
    )
    model: str = selection.model()
    model_selection: str = selection.model_selection()
    embedding: bool = option(
        False,
        "Write the projector's output, not scaled to unit length, instead of features.",
    )
    image_size: int = data_flags.own_image_size(high=4096)

    dataset: str = option(
        "",
        "Images: folder:/path, any TFDS name, or shapes. Empty: those that the run was "
        "trained on.",
        group="data",
        path=data_flags.PATHS,
        remote=True,
    )
    split: str = option(
        "train",
        "Split of the images, in TFDS syntax. A folder without splits is all train.",
    )
    data_dir: str = data_flags.data_dir("that of the run")
    download: bool = data_flags.download()
    labels: str = data_flags.labels()
    on_bad_image: str = option(
        "skip",
        "Action at an unreadable image: skip leaves it out and lists it in "
        "OUTPUT.unreadable.jsonl; stop names it and ends.",
        choices=data_flags.BAD_IMAGE_ACTIONS,
        free=True,
    )
    max_pixels: int = decoding.max_pixels()
    exif: str = decoding.exif_of_encoder()
    value_range: str = decoding.value_range_of_encoder()
    pixels: str = decoding.pixels_of_encoder()
    rgb: str = shown_rgb.rgb_of_encoder()

    output: str = option(
        "",
        "File to write: .npz (what ressl_tf.search, knn and linear read quickest), "
        ".parquet, .csv or .tfrecord; a folder with --format=projector. Until it is "
        "whole, OUTPUT.parts holds what is done.",
        group="results",
        free=True,
        path=True,
    )
    format: str = option(
        "auto",
        "Format. auto: by the end of --output. projector: a folder for TensorBoard's "
        "projector, with thumbnails.",
        choices=FORMATS,
        free=True,
    )
    dtype: str = option(
        "float32",
        "Type of the numbers. float16 takes half the space and keeps three digits: "
        "enough for search and kNN.",
        choices=("float16", "float32"),
    )
    overwrite: bool = option(False, "Replace an output that is there.", free=True)
    batch_size: int = option(
        256, "Images at a time; memory, not results.", low=1, high=2**20, free=True
    )
    log_seconds: float = recovery.log_seconds()

    def __post_init__(self):
        check(self)
        selection.check_one_encoder(self)
        selection.check_model_selection(self)
        if not self.output:
            raise UsageError("--output must be given: the file to write")
        if self.format == "auto" and self.path.suffix not in FILES:
            raise UsageError(
                f"--output must end in {', '.join(FILES)}, or --format be given. "
                f"Received: {self.output}"
            )

    @property
    def source(self) -> str:
        """The path of the encoder."""
        return self.workdir or self.model

    @property
    def path(self) -> pathlib.Path:
        """The file or folder that is written."""
        return pathlib.Path(self.output)

    @property
    def format_name(self) -> str:
        """The format, where it is auto by the end of the name."""
        return FILES[self.path.suffix] if self.format == "auto" else self.format

    @property
    def run_dir(self) -> str:
        """The folder of what is done, until the output is whole."""
        return f"{self.path}.parts"
