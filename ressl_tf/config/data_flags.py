"""Flags of data that several commands share, each made anew for its class."""

from ressl_tf.config.method_table import KINDS
from ressl_tf.runtime.flags import option

MOST_CHANNELS = 64
CACHES = ("auto", "memory", "disk", "none")
LABELS = ("auto", "folders", "none")
BAD_IMAGE_ACTIONS = ("stop", "skip")
# What a --dataset that is a path begins with.
PATHS = (
    *("folder:", "files:", "list:", "webdataset:", "tfrecord:"),
    *(kind.prefix for kind in KINDS.values() if kind.prefix),
)


def data_dir(default: str = "~/tensorflow_datasets") -> str:
    """Declare `--data_dir`; `default` says what an empty one stands for."""
    return option(
        "", f"Folder of TFDS data sets; empty for {default}.", free=True, path=True
    )


def shown_split() -> str:
    """Declare `--split` of a command that shows images of a run."""
    return option(
        "auto",
        "Split of the images, in TFDS syntax. auto takes the first there is of test, "
        "validation, train.",
    )


def download() -> bool:
    """Declare `--download`."""
    return option(
        False, "Let TFDS download and prepare a set that is not there.", free=True
    )


def on_bad_image(skip: str = "leaves it out") -> str:
    """Declare `--on_bad_image`; `skip` says what that does."""
    return option(
        "stop",
        f"Action at an unreadable image: stop names it; skip {skip} and reports it.",
        choices=BAD_IMAGE_ACTIONS,
    )


def labels() -> str:
    """Declare `--labels`."""
    return option(
        "auto",
        "Labels of the images. auto: a folder's sub-folders are its classes, unless "
        "images lie beside them; a TFDS set's own. folders: sub-folders are classes in "
        "any case, and images beside them have no label. none: no image has one, as "
        "where sub-folders are albums.",
        choices=LABELS,
    )


def own_image_size(high: int) -> int:
    """Declare `--image_size` of a command that opens a trained encoder."""
    return option(
        0, "Side of the images in pixels. 0: the encoder's own.", low=0, high=high
    )


def channels() -> int:
    """Declare `--channels`."""
    return option(
        3,
        "Channels of an image: 3 is RGB, and grey images become it; 1 is grey, and "
        "colours become it. Others are those of the files. Brightness and contrast are "
        "jittered whatever they are; saturation, hue and grayscale concern RGB alone.",
        low=1,
        high=MOST_CHANNELS,
    )


def cache() -> str:
    """Declare `--cache`."""
    return option(
        "auto",
        "Place of decoded images. auto: in memory, if all are of one size and "
        "take less than 2 GiB, else nowhere. memory: so, or an error. none: nowhere; "
        "each is decoded when it is used (a JPEG of 500 x 375: 0.8 ms of a core). "
        "disk: in --cache_dir, 5 to 10 times the bytes of JPEGs, each decoded once; to "
        "read one takes about a third of that. It pays for large sets whose steps wait "
        "for input, on a quick disk. The views are the same everywhere, to rounding.",
        choices=CACHES,
    )


def cache_dir() -> str:
    """Declare `--cache_dir`."""
    return option(
        "",
        "Folder of --cache=disk, for any number of sets; what is in it may be deleted "
        "when no run reads it. Empty: ressl_tf in $XDG_CACHE_HOME or ~/.cache.",
        free=True,
        path=True,
    )
