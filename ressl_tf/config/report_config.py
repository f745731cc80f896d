"""The flags of `python -m ressl_tf.report`, their help and their limits."""

import dataclasses
import pathlib

from ressl_tf.config import data_flags, decoding, shown_rgb
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class ReportConfig:
    """Which runs are shown, with which images, and in which file.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    workdir: str = option(
        "",
        "Folder of a run; several, separated by commas, are compared; the folder of a "
        "sweep stands for all of its runs.",
        group="run",
        path=True,
    )
    output: str = option(
        "",
        "The file to write; it ends in .html. Empty: report.html in the workdir, or "
        "runs/report.html where several are compared.",
        path=True,
    )

    dataset: str = option(
        "",
        "Images to show: any TFDS name, folder:/path, or shapes. Empty: those that the "
        "run was trained on.",
        group="data",
        path=data_flags.PATHS,
        remote=True,
    )
    split: str = option(
        "auto",
        "Split of the images, in TFDS syntax; several, separated by commas, share "
        "--images, and the map is coloured by them: test,train. auto takes the first "
        "there is of test, validation, train.",
    )
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
        "Number of images, or of nodes, a fixed random choice. Over 2,000 their "
        "pictures go into a folder beside the page, which moves with it. Too few: no "
        "groups are seen, and relations are over few images.",
        low=1,
        high=20_000,
    )

    projection: tuple = option(
        ("pca", "tsne"),
        "Maps of the features: pca is quick and linear; tsne keeps who is near whom, "
        "and takes 5 seconds for 2,000 images; umap needs umap-learn.",
        group="page",
        choices=("pca", "tsne", "umap"),
        any_length=True,
    )
    checkpoints: int = option(
        3,
        "Most checkpoints that the relations are shown for, the last ones of those "
        "that the run keeps, and as many as fit into 1.8 MB: five of 1,000 images with "
        "--embedding_dim=64. Each takes a forward pass.",
        low=1,
        high=50,
    )
    seed: int = option(0, "Seed of t-SNE, clusters and views.", low=0, high=2**31 - 1)

    def __post_init__(self):
        check(self)
        if not self.workdir:
            raise UsageError("--workdir must name the folder of a run. Received: none")
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise UsageError(
                "--split must name one split, or several that differ. Received: "
                f"--split={self.split}"
            )
        if self.output and not self.output.lower().endswith((".html", ".htm")):
            raise UsageError(
                f"--output must end in .html. Received: --output={self.output}"
            )

    @property
    def workdirs(self) -> tuple[pathlib.Path, ...]:
        """The folders that `workdir` names; a comma may be part of one that exists."""
        if pathlib.Path(self.workdir).exists():
            return (pathlib.Path(self.workdir),)
        names = [name for name in self.workdir.split(",") if name]
        return tuple(pathlib.Path(name).expanduser() for name in names)

    @property
    def splits(self) -> list[str]:
        """The splits that `split` names."""
        return [name.strip() for name in self.split.split(",") if name.strip()]

    @property
    def path(self) -> pathlib.Path:
        """`output`, or the file that an empty one stands for."""
        if self.output:
            return pathlib.Path(self.output)
        folder = self.workdirs[0] if len(self.workdirs) == 1 else pathlib.Path("runs")
        return folder / "report.html"
