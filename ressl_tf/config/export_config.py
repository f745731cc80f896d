"""Flags of `python -m ressl_tf.export`."""

import dataclasses
import pathlib

from ressl_tf.config import data_flags, selection
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

ENDPOINTS = ("pooled", "pyramid")
FILES = {"keras": ".keras", "litert": ".tflite", "onnx": ".onnx"}  # the rest: folders
FORMATS = ("saved_model", *FILES)
PRECISIONS = ("float32", "float16", "int8")
INPUT_TYPES = ("auto", "uint8", "float32")
OUTPUTS = ("features", "embeddings", "logits", "probabilities")


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """What is exported, where to, and what the export gives.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    workdir: str = option(
        "",
        "Folder of a run: pretrained, converted or fine-tuned. Give this or --model.",
        group="from",
        path=True,
        remote=True,
    )
    model: str = option(
        "", "A SavedModel of ressl_tf.export, or a .keras file.", path=True
    )
    model_selection: str = selection.model_selection()

    output: str = option(
        "",
        "Place to write to: a folder, or of a format that is one file its name, which "
        "ends in .keras, .tflite or .onnx. The model card lies in the folder, or "
        "beside the file: my.md of my.keras, my.onnx.md of my.onnx.",
        group="to",
        path=True,
    )
    format: str = option(
        "saved_model",
        "Format: saved_model runs and trains with TensorFlow alone, and in TensorFlow "
        "Serving; keras is one .keras file that opens with Keras alone; litert is one "
        ".tflite file for LiteRT, on phones and small boards; onnx is one .onnx file "
        "for ONNX Runtime and others (pip install 'ressl_tf[onnx]').",
        choices=FORMATS,
    )
    precision: str = option(
        "float32",
        "Numbers in the file of --format=litert. float16: half the size; int8: a "
        "quarter, weights and activations, ranges measured on photos of --dataset.",
        choices=PRECISIONS,
    )
    input_type: str = option(
        "auto",
        "Type of the images, on 0..255, that a file of --format=litert or onnx takes: "
        "it has one. auto: float32 where the run was trained on --pixels=float32, "
        "uint8 elsewhere.",
        choices=INPUT_TYPES,
    )
    overwrite: bool = option(
        False, "Replace an export that is there. Nothing else is ever replaced."
    )

    outputs: tuple = option(
        ("auto",),
        "Outputs, comma-separated; features always. embeddings needs a "
        "projector, logits and probabilities a fine-tuned model. auto: features, and "
        "the probabilities of a fine-tuned model.",
        group="what",
        choices=("auto", *OUTPUTS),
        any_length=True,
    )
    endpoints: tuple = option(
        ("pooled",),
        "pooled: the outputs above; always there. pyramid: also the last feature maps "
        "at strides 4, 8, 16 and 32, named C2 to C5, for heads of detection and "
        "segmentation (--stem=small: strides 1 to 8; a ViT: its patches).",
        choices=ENDPOINTS,
        any_length=True,
    )
    image_size: int = option(
        0,
        "Side in pixels of the images it takes; other sizes are then refused. 0: any "
        "height and width (a ViT, and --format=litert: that of its training), and "
        "features are best near the size of training.",
        low=0,
        high=4096,
    )

    dataset: str = option(
        "",
        "Photos that --precision=int8 is measured with and --format=litert or onnx is "
        "checked on: folder:/path, any TFDS name, or shapes. Empty: int8 takes those "
        "that the run was trained on, the others random pixels.",
        group="data",
        path=data_flags.PATHS,
    )
    split: str = option("train", "Split of the photos, in TFDS syntax.")
    data_dir: str = data_flags.data_dir("that of the run")

    def __post_init__(self):
        check(self)
        selection.check_one_encoder(self)
        selection.check_model_selection(self)
        if not self.output:
            raise UsageError("--output must be given: a folder to write to")
        self._check_format()
        if "auto" in self.outputs and len(self.outputs) > 1:
            raise UsageError(
                "--outputs: auto stands alone; name all that you want. Received: "
                + ",".join(self.outputs)
            )

    def _check_format(self):
        """Refuse a name of another format, and flags that a format does not have."""
        ends = {end: name for name, end in FILES.items()}
        form = ends.get(pathlib.Path(self.output).suffix, self.format)
        if form != self.format:
            place = "a folder" if self.format == "saved_model" else "a file"
            raise UsageError(
                f"--output of --format={self.format} is {place}; use --format={form} "
                f"for a {FILES[form]} file. Received: {self.output}"
            )
        if self.precision != "float32" and self.format != "litert":
            raise UsageError(
                "--precision is of --format=litert. Received: "
                f"--precision={self.precision} --format={self.format}"
            )
        given = {"input_type": "auto", "dataset": "", "split": "train", "data_dir": ""}
        for flag, default in given.items():
            if getattr(self, flag) != default and not self.is_converted:
                raise UsageError(
                    f"--{flag} is of --format=litert and onnx. Received: "
                    f"--{flag}={getattr(self, flag)} --format={self.format}"
                )

    @property
    def is_converted(self) -> bool:
        """Whether the file is for another runtime than TensorFlow."""
        return self.format in ("litert", "onnx")

    @property
    def source(self) -> str:
        """What is exported: --workdir or --model."""
        return self.workdir or self.model

    @property
    def output_names(self) -> tuple[str, ...] | None:
        """The outputs in a fixed order, features among them; None for auto."""
        if "auto" in self.outputs:
            return None
        return tuple(n for n in OUTPUTS if n == "features" or n in self.outputs)

    @property
    def path(self) -> pathlib.Path:
        """The folder of a SavedModel, or the file."""
        path = pathlib.Path(self.output)
        end = FILES.get(self.format, path.suffix)
        return path if path.suffix == end else path / f"model{end}"
