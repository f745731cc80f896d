"""Flags of the commands that evaluate an encoder: kNN, linear probe, fine-tuning."""

import dataclasses
import pathlib

from ressl_tf.config import data_flags, decoding, recovery, selection, tracker_flags
from ressl_tf.config.feature_files import FeatureFiles, check_files
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Which encoder is evaluated, on which images, and where the results go.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    workdir: str = option(
        "",
        "Encoder to evaluate: the workdir of a run, of a fine-tuning or of a "
        "conversion.",
        group="encoder",
        path=True,
        remote=True,
    )
    model: str = selection.model()
    model_selection: str = selection.model_selection()
    untrained: bool = option(
        False, "Give the same network random weights first: the floor to compare with."
    )
    dataset: str = option(
        "",
        "Labelled images: any TFDS name, folder:/path with a folder a class, or "
        "shapes. Empty: those that the run was trained on.",
        group="data",
        path=data_flags.PATHS,
        remote=True,
    )
    train_split: str = option(
        "train", "Split whose labels are used, in TFDS syntax: train, train[:10%]."
    )
    eval_split: str = option(
        "auto",
        "Split that is classified: auto takes test, else validation, else every "
        "tenth image of each class of the training split.",
    )
    data_dir: str = data_flags.data_dir("that of the run")
    download: bool = data_flags.download()
    labels: str = data_flags.labels()
    on_bad_image: str = data_flags.on_bad_image()
    max_pixels: int = decoding.max_pixels()
    exif: str = decoding.exif_of_encoder()
    value_range: str = decoding.value_range_of_encoder()
    pixels: str = decoding.pixels_of_encoder()
    cache: str = data_flags.cache()
    cache_dir: str = data_flags.cache_dir()
    image_size: int = data_flags.own_image_size(high=4096)
    seed: int = option(
        0,
        "Seed of random weights, of the order and crops of images, and of every random "
        "choice among them.",
        low=0,
        high=2**31 - 1,
    )
    output: str = option(
        "",
        "Folder for the results. Empty: a folder in the workdir, or for a --model "
        "runs/COMMAND-NAME.",
        group="results",
        free=True,
        path=True,
    )

    command = ""  # of the class; names the output
    bank = queries = ""  # files of features, where a command takes them

    def __post_init__(self):
        check(self)
        if self.bank or self.queries:
            check_files(self)
            return
        if bool(self.workdir) == bool(self.model):
            given = f"--workdir={self.workdir or '(none)'} and --model={self.model}"
            raise UsageError(
                "give what to evaluate as one of --workdir and --model. Received: "
                + (given if self.workdir else "neither")
            )
        selection.check_model_selection(self)

    @property
    def source(self) -> str:
        """The path of what is evaluated."""
        return self.workdir or self.model or self.bank

    @property
    def run_name(self) -> str:
        """The name of the results' folder, which tells one evaluation from another."""
        return self.command + self.variant

    @property
    def variant(self) -> str:
        """The end of `run_name`, for another encoder than the last checkpoint's."""
        best = "-best" * (self.model_selection == "best")
        return best + "-untrained" * self.untrained

    @property
    def run_dir(self) -> str:
        """`output`, or the name that an empty one stands for."""
        if self.output:
            return self.output
        if self.workdir:
            return str(pathlib.Path(self.workdir) / self.run_name)
        return f"runs/{self.run_name}-{pathlib.Path(self.source).stem}"


@dataclasses.dataclass(frozen=True)
class KNNConfig(FeatureFiles, EvaluateConfig):
    """kNN classification of features."""

    knn_k: tuple = option(
        (200,),
        "Neighbours that vote, one number or several. Too high for a small set: far "
        "ones outvote the near; too low: noise.",
        group="knn",
        low=1,
        any_length=True,
        former=("k",),
    )
    knn_temp: tuple = option(
        (0.1,),
        "Temperature T of their votes, exp(similarity / T), one number or several. "
        "Low: the nearest decide.",
        low=0.001,
        any_length=True,
        former=("temperature",),
    )
    batch_size: int = option(
        256, "Images at a time; memory, not results.", low=1, high=2**20, free=True
    )

    command = "knn"


@dataclasses.dataclass(frozen=True)
class SupervisedConfig(EvaluateConfig):
    """What learning from labels needs, for linear evaluation and fine-tuning."""

    epochs: int = option(
        100, "Passes over the labelled images.", group="optimization", low=1
    )
    batch_size: int = option(
        256,
        "Images a step, over all devices; at most all there are. When you change it, "
        "change the learning rate in proportion.",
        low=1,
        high=2**20,
    )
    learning_rate: float = option(
        0.3,
        "Peak for the head. Too high: NaN, or a loss that jumps; too low: a loss that "
        "hardly moves.",
        low=1e-9,
        high=1000.0,
    )
    lr_schedule: str = option(
        "cosine",
        "Schedule of the learning rate: cosine to 0 per step, or step: times 0.1 at "
        "each of --decay_at.",
        choices=("cosine", "step"),
        former=("schedule",),
    )
    decay_at: tuple = option(
        (0.6, 0.8),
        "Fractions of the run at which --lr_schedule=step divides the rate by ten.",
        low=0.0,
        high=1.0,
        any_length=True,
    )
    warmup_epochs: float = option(
        0.0, "Epochs of linear warm-up from 0, with --lr_schedule=cosine.", low=0.0
    )
    sgd_momentum: float = option(0.9, "Momentum of SGD.", low=0.0, high=1.0)
    nesterov: bool = option(False, "Nesterov momentum.")
    weight_decay: float = option(
        0.0,
        "L2 added to the gradient before the momentum. Too high: it cannot fit.",
        low=0.0,
        high=1.0,
    )
    crop_scale_min: float = option(
        0.08,
        "Smallest fraction of the image that a random training crop keeps; 1 for "
        "nearly whole images.",
        low=0.01,
        high=1.0,
    )
    flip_prob: float = option(
        0.5, "Fraction of mirrored training images.", low=0.0, high=1.0
    )
    eval_every: int = option(
        10,
        "Epochs between two looks at the evaluation split, for the curves; 0: only at "
        "the end.",
        low=0,
        free=True,
    )
    strategy: str = option(
        "auto",
        "Devices: one, mirrored (all), or auto (mirrored if there are several GPUs).",
        choices=("auto", "one", "mirrored"),
        free=True,
    )
    keep_checkpoints: int = option(
        1, "So many of the last checkpoints stay.", low=1, free=True
    )
    checkpoint_every_steps: int = recovery.checkpoint_every_steps()
    checkpoint_every_minutes: float = recovery.checkpoint_every_minutes()
    grace_seconds: float = recovery.grace_seconds()
    on_nan: str = recovery.on_nan()
    max_nan_steps: int = recovery.max_nan_steps()
    log_seconds: float = recovery.log_seconds()
    tracker: tuple = tracker_flags.tracker()
    tensorboard: bool = tracker_flags.tensorboard()

    def __post_init__(self):
        super().__post_init__()
        if self.warmup_epochs > self.epochs:
            raise UsageError(
                f"--warmup_epochs must be at most --epochs={self.epochs}. "
                f"Received: {self.warmup_epochs}"
            )


@dataclasses.dataclass(frozen=True)
class LogisticFlags:
    """How `lbfgs` fits logistic regression."""

    lbfgs_c: tuple = option(
        (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0),
        "Inverse strengths of the L2 regularisation that lbfgs chooses from. When an "
        "end of the list wins, extend it.",
        group="solver",
        low=1e-12,
        any_length=True,
    )
    lbfgs_iterations: int = option(1000, "Most iterations for each strength.", low=1)


@dataclasses.dataclass(frozen=True)
class LinearConfig(FeatureFiles, LogisticFlags, SupervisedConfig):
    """A linear classifier on the features of a frozen encoder."""

    solver: str = option(
        "sgd",
        "Solver: sgd on random crops (the papers' protocol), or lbfgs: logistic "
        "regression on the features of whole images, with its regularisation chosen "
        "on a tenth of the training split; quicker, and no learning rate to choose.",
        choices=("sgd", "lbfgs"),
    )

    command = "linear"

    def __post_init__(self):
        super().__post_init__()
        if self.bank and self.solver != "lbfgs":
            raise UsageError(
                "--bank needs --solver=lbfgs: sgd computes features of random crops. "
                f"Received: --solver={self.solver}"
            )

    @property
    def run_name(self) -> str:
        """The name of the results' folder."""
        solver = "-lbfgs" if self.solver == "lbfgs" else ""
        return f"linear{solver}" + self.variant
