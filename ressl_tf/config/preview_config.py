"""The flags of `python -m ressl_tf.preview`: those of training, and its own."""

import dataclasses

from ressl_tf.config import Config
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class PreviewConfig(Config):
    """A pretraining run, and how much of its views to show."""

    output: str = option(
        "views.png", "Picture to write, a PNG file.", group="preview", path=True
    )
    images: int = option(
        10,
        "Columns of the sheet: so many images, chosen by --seed.",
        low=1,
        high=50,
    )
    draws: int = option(
        3,
        "Rows for each view: so often it is drawn anew from the same image.",
        low=1,
        high=20,
    )
