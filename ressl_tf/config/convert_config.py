"""The flags of conversion."""

import dataclasses

from ressl_tf.config import normalizations
from ressl_tf.config.decoding import RGB
from ressl_tf.config.normalizations import NORMALIZATIONS, check_normalization
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

LAYOUTS = ("auto", "torchvision", "timm", "ressl", "moco", "solo")  # that are written


@dataclasses.dataclass(frozen=True)
class ConvertConfig:
    """A conversion, from PyTorch or to it.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    to: str = option(
        "workdir",
        "Direction: a workdir from --checkpoint, or a file of PyTorch from --workdir.",
        group="direction",
        choices=("workdir", "torch"),
    )
    workdir: str = option(
        "",
        "Folder of the converted run. With --to=torch the source: a "
        "workdir, and for --layout=torchvision a SavedModel or .keras file too.",
        path=True,
        remote=True,
    )

    verify: bool = option(
        False,
        "Run the network by PyTorch and here on the same two images of noise, and fail "
        "where features differ by more than 1e-4.",
    )

    checkpoint: str = option(
        "",
        "A file of PyTorch with a ResNet-18, 34, 50 or 101, of the official ReSSL "
        "code, MoCo, solo-learn, or by torchvision's names; with a ViT-T, S or B, of "
        "DINO, DeiT, MAE, MoCo v3, solo-learn or timm; or with a ConvNeXt-tiny, "
        "EfficientNet or MobileNet of timm. Its layout is found out.",
        group="from PyTorch: what weights cannot tell",
        path=True,
    )
    stem: str = option(
        "auto",
        "First layers. auto sees 7x7 (standard) and takes small for 3x3, small_pad2 "
        "for solo-learn's. A max-pool behind it has no weights: say small_maxpool "
        "where there is one.",
        choices=("auto", "standard", "small", "small_maxpool", "small_pad2"),
    )
    image_size: int = option(
        0,
        "Side in pixels of the images it was trained on. 0: 224 for the stem "
        "standard, 64 for small_maxpool, 32 for the other small ones; that of a ViT's "
        "positions.",
        low=0,
        high=1024,
    )
    normalization: str = option(
        "imagenet",
        "Mean and standard deviation that it was trained with. Another one than in "
        "training shifts all features.",
        choices=tuple(NORMALIZATIONS),
    )
    mean: tuple = normalizations.mean()
    std: tuple = normalizations.std()

    output: str = option(
        "",
        "File to write, such as model.pth.",
        group="to PyTorch",
        path=True,
    )
    layout: str = option(
        "auto",
        "Names of its tensors. torchvision (ResNets) and timm (ViTs; DINO reads it, "
        "too) are the backbone, with its classifier if it was fine-tuned; auto is the "
        "one of them that fits. The others have projector, target and queue too.",
        choices=LAYOUTS,
    )

    @property
    def channels(self) -> int:
        """Channels that --mean and --std are of; the weights say how many there are."""
        return len(self.mean) or RGB

    def __post_init__(self):
        check(self)
        check_normalization(self)
        needed = ("workdir", "checkpoint" if self.to == "workdir" else "output")
        for name in needed:
            if not getattr(self, name):
                raise UsageError(
                    f"--to={self.to} needs --{needed[0]} and --{needed[1]}. "
                    f"Received: no --{name}"
                )
        other = "output" if self.to == "workdir" else "checkpoint"
        if getattr(self, other):
            raise UsageError(
                f"--to={self.to} takes no --{other}. Received: {getattr(self, other)}"
            )
