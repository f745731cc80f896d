"""The flags of `python -m ressl_tf.bench`: those of training, and its own."""

import dataclasses
import pathlib

from ressl_tf.config.method_flags import check_method
from ressl_tf.config.method_table import METHODS
from ressl_tf.config.pretrain_config import Config
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option

PARTS = ("views", "pipeline", "step", "loss", "queue", "embed")
LONG = ("growth",)  # takes minutes: only by name
PEERS = ("torch", "torchvision", "pil", "opencv", "kerascv")


def _preset(name, default):
    """Declare a flag of training with another default."""
    metadata = Config.__dataclass_fields__[name].metadata
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class BenchConfig(Config):
    """What is measured, how long, and against whom.

    Raises:
        UsageError: when a value cannot be.
    """

    stem: str = _preset("stem", "small")
    batch_size: int = _preset("batch_size", 64)

    part: str = option(
        "all",
        "views: images/s of the weak and strong views at 32 and 224 px. pipeline: fit "
        "against the bare step. step: a step against its forward and backward passes. "
        "loss: time and memory of the relation by blocks. queue: reading and filling. "
        "embed: ressl_tf.embed against the forward pass. "
        "growth: a step over batch, image and queue size, embedding and replicas; it "
        "takes minutes, and all leaves it out.",
        group="bench",
        choices=(*PARTS, *LONG, "all"),
    )
    peers: tuple = option(
        ("auto",),
        "Peers that are measured too: torch (step), torchvision, pil, opencv, kerascv "
        "(views). auto: those that are installed; none: nobody.",
        any_length=True,
        free=True,
    )
    seconds: float = option(
        1.0,
        "Seconds of one measurement. Too low: what the machine does besides shows.",
        low=0.01,
        high=600.0,
    )
    repeats: int = option(
        7,
        "Number of rounds. In each, all that are compared are measured, one after the "
        "other; a ratio is the median over the rounds.",
        low=1,
        high=1000,
    )
    profile: str = option(
        "",
        "Folder for TensorBoard traces of views, fit and step; what took the time in "
        "them is logged. Empty for none.",
        free=True,
        path=True,
    )

    output: str = option(
        "",
        "PNG file that the curves of --part=growth are drawn to; empty for none.",
        free=True,
        path=True,
        former=("picture",),
    )

    def __post_init__(self):
        check(self)
        check_method(self)
        known = (*PEERS, "auto", "none")
        if unknown := [peer for peer in self.peers if peer not in known]:
            raise UsageError(
                f"--peers are of {', '.join(known)}. Received: {', '.join(unknown)}"
            )

        self._check_growth()

    def _check_growth(self):
        if self.part == "growth" and METHODS[self.method].learns_from != "images":
            raise UsageError(
                "--part=growth trains on images, of random colours. Received: "
                f"--dataset={self.dataset}"
            )
        if self.output and self.part != "growth":
            raise UsageError(
                "--output is of --part=growth. Received: "
                f"--output={self.output} --part={self.part}"
            )
        if self.output and pathlib.Path(self.output).suffix.lower() != ".png":
            raise UsageError(f"--output must be a .png file. Received: {self.output}")

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts to measure."""
        return PARTS if self.part == "all" else (self.part,)
