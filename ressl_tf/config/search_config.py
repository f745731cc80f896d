"""Flags of `python -m ressl_tf.search`."""

import dataclasses
import pathlib

from ressl_tf.config import shown_rgb
from ressl_tf.runtime import paths
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

INDEX_FILES = (".npz", ".parquet")
PICTURES = (".png", ".svg")
WHOLE = 1_000_000  # rows up to which auto compares with all


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """What is looked for, and where.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    index: str = option(
        "",
        "File of ressl_tf.embed to search, .npz or .parquet; or an .npz file that "
        "holds features [n, f] and paths [n].",
        group="search",
        path=True,
    )
    query: tuple = option(
        (),
        "Image whose nearest are looked for, or a file of ressl_tf.embed with many. "
        "May be given several times.",
        repeated=True,
    )
    k: int = option(20, "Nearest images for each query.", low=1, high=10_000)
    duplicates: float = option(
        0.0,
        "Find groups of images that are at least this similar to one of them; 0: do "
        "not. Too low: all of a kind are one group. What is a duplicate differs from "
        "encoder to encoder: look at --output.",
        low=0.0,
        high=1.0,
    )
    outliers: int = option(
        0,
        "So many images that are least similar to their --k nearest; 0: none.",
        low=0,
    )
    diverse: int = option(
        0,
        "So many images that cover the set, to label first: each is the one farthest "
        "from those before it; 0: none.",
        low=0,
    )
    method: str = option(
        "auto",
        "Search. exact: compare with every row. approximate: a graph of near rows, "
        "by usearch (pip install 'ressl_tf[search]'), for --query, --duplicates and "
        "--outliers; its recall against exact is measured. auto: exact up to a million "
        "rows.",
        choices=("auto", "exact", "approximate"),
    )

    model: str = option(
        "",
        "Encoder of query images: a workdir, SavedModel or .keras file. Empty: the one "
        "that the index names.",
        group="queries",
        path=True,
    )
    output: str = option(
        "",
        "Picture of what was found, .png or .svg; empty for none.",
        group="results",
        path=True,
    )
    rgb: str = shown_rgb.rgb_of_encoder()
    rows: int = option(10, "Rows of the picture: queries, or groups.", low=1, high=50)

    def __post_init__(self):
        check(self)
        queries = tuple(paths.local(query, "--query") for query in self.query)
        object.__setattr__(self, "query", queries)
        if pathlib.Path(self.index).suffix not in INDEX_FILES:
            raise UsageError(
                "--index must be a file of ressl_tf.embed that ends in "
                f"{' or '.join(INDEX_FILES)}. Received: {self.index or '(none)'}"
            )
        asked = [self.query, self.duplicates, self.outliers, self.diverse]
        if sum(map(bool, asked)) != 1:
            raise UsageError(
                "give one of --query, --duplicates, --outliers and --diverse. "
                f"Received: {sum(map(bool, asked))} of them"
            )
        if self.output and pathlib.Path(self.output).suffix not in PICTURES:
            raise UsageError(
                f"--output must end in {' or '.join(PICTURES)}. Received: {self.output}"
            )

    def is_approximate(self, count: int) -> bool:
        """Whether a set of `count` rows is searched approximately."""
        if self.method == "auto":
            return count > WHOLE
        return self.method == "approximate"
