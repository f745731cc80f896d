"""Flags of `python -m ressl_tf.export`."""

import dataclasses
import pathlib

from ressl_tf.config import selection
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

ENDPOINTS = ("pooled", "pyramid")
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
        "Place to write to: a folder, or for --format=keras also a name that ends in "
        ".keras. Its model card lies in the folder, or beside the file as NAME.md.",
        group="to",
        path=True,
    )
    format: str = option(
        "saved_model",
        "Format: saved_model runs and trains with TensorFlow alone, and in TensorFlow "
        "Serving; keras is one .keras file that opens with Keras alone.",
        choices=("saved_model", "keras"),
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
        "height and width (a ViT: that of its training), and features are best near "
        "the size of training.",
        low=0,
        high=4096,
    )

    def __post_init__(self):
        check(self)
        selection.check_one_encoder(self)
        selection.check_model_selection(self)
        if not self.output:
            raise UsageError("--output must be given: a folder to write to")
        if self.format == "saved_model" and self.output.endswith(".keras"):
            raise UsageError(
                "--output of --format=saved_model is a folder; use --format=keras for "
                f"a .keras file. Received: {self.output}"
            )
        if "auto" in self.outputs and len(self.outputs) > 1:
            raise UsageError(
                "--outputs: auto stands alone; name all that you want. Received: "
                + ",".join(self.outputs)
            )

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
        """The folder of a SavedModel, or the `.keras` file."""
        path = pathlib.Path(self.output)
        if self.format == "keras" and path.suffix != ".keras":
            return path / "model.keras"
        return path
