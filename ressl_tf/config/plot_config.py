"""The flags of `python -m ressl_tf.plot`, their help and their limits."""

import dataclasses
import pathlib

from ressl_tf.config import data_flags, decoding, shown_rgb
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

FEWEST_IMAGES = 4  # t-SNE of fewer has no perplexity of 1 or more
PICTURES = (".png", ".svg", ".jpg", ".jpeg", ".pdf")  # what is no folder's name


@dataclasses.dataclass(frozen=True)
class PlotConfig:
    """What to draw, of which encoder and which images.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    workdir: str = option(
        "", "The folder of a run.", group="encoder", path=True, remote=True
    )
    model: str = option(
        "",
        "Instead of --workdir: a SavedModel of ressl_tf.export, or a .keras file.",
        path=True,
    )

    dataset: str = option(
        "",
        "Images to look at: any TFDS name, folder:/path, or shapes. Empty: those that "
        "the encoder was trained on.",
        group="data",
        path=data_flags.PATHS,
        remote=True,
    )
    split: str = data_flags.shown_split()
    data_dir: str = data_flags.data_dir("that of the run")
    download: bool = data_flags.download()
    labels: str = data_flags.labels()
    on_bad_image: str = data_flags.on_bad_image()
    max_pixels: int = decoding.max_pixels()
    exif: str = decoding.exif_of_encoder()
    value_range: str = decoding.value_range_of_encoder()
    pixels: str = decoding.pixels_of_encoder()
    rgb: str = shown_rgb.rgb_of_encoder()
    images: int = option(
        2000,
        "Number of images, a fixed random choice. Too many: the points hide "
        "each other, and t-SNE takes minutes; too few: no groups are seen.",
        low=FEWEST_IMAGES,
        high=100_000,
    )
    image_size: int = option(
        0,
        "Side of the images in pixels. 0: the one that the encoder was trained on.",
        low=0,
        high=1024,
    )

    kind: tuple = option(
        ("all",),
        "Pictures, one or several. embedding: the features as points in the plane, "
        "coloured by class. neighbours: the most similar images of some. curves: the "
        "log of a run.",
        group="pictures",
        choices=("all", "embedding", "neighbours", "curves"),
        any_length=True,
    )
    projection: str = option(
        "tsne",
        "Projection of features to the plane: tsne keeps who is near whom, distances "
        "between groups mean nothing; pca is linear and keeps the largest differences.",
        choices=("tsne", "pca"),
    )
    perplexity: float = option(
        0.0,
        "Neighbours that t-SNE gives each point, at most a third of the images. Too "
        "low: chance makes many small groups; too high: groups melt together. 0: 30, "
        "or fewer for fewer than 91 images.",
        low=0.0,
    )
    seed: int = option(
        0, "Seed of t-SNE; one seed, one picture.", low=0, high=2**31 - 1
    )
    dpi: int = option(
        160,
        "Dots an inch of PNG pictures. Too low: blurred; too high: large files.",
        low=20,
        high=1200,
    )
    picture_format: str = option(
        "png", "Format of the pictures: png, or svg for print.", choices=("png", "svg")
    )
    output: str = option(
        "",
        "Folder for the pictures. Empty: plots/ in the workdir, or runs/plots-NAME "
        "for a model.",
        path=True,
    )

    def __post_init__(self):
        check(self)
        if bool(self.workdir) == bool(self.model):
            both = f"--workdir={self.workdir} and --model={self.model}"
            received = both if self.workdir else "neither"
            raise UsageError(
                "give one of --workdir (a run) and --model (a SavedModel or a .keras "
                f"file). Received: {received}"
            )
        if pathlib.Path(self.output).suffix.lower() in PICTURES:
            raise UsageError(
                "--output is the folder of the pictures, which have the names of their "
                f"kinds; --picture_format says which. Received: {self.output}"
            )
        if 0 < self.perplexity < 1:
            raise UsageError(
                f"--perplexity must be 0 or at least 1. Received: {self.perplexity}"
            )

    @property
    def source(self) -> str:
        """The path of the encoder."""
        return self.workdir or self.model

    def wants(self, picture: str) -> bool:
        """Whether a picture is asked for, by its name or with all."""
        return picture in self.kind or "all" in self.kind

    @property
    def output_dir(self) -> pathlib.Path:
        """`output`, or the folder that an empty one stands for."""
        if self.output:
            return pathlib.Path(self.output)
        if self.workdir:
            return pathlib.Path(self.workdir, "plots")
        name = pathlib.Path(self.model).resolve().name.removesuffix(".keras")
        return pathlib.Path("runs", f"plots-{name}")
