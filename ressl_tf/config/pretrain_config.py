"""One frozen dataclass: every flag of pretraining, its help and its limits.

Those of methods, optimizer, devices and views are in files of their own:
`method_flags`, `graph_flags`, `optimization_flags`, `device_flags`, `view_flags`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ressl_tf.config import (
    backbone_table,
    data_flags,
    decoding,
    normalizations,
    own_backbone,
    recovery,
    shown_rgb,
    tracker_flags,
    transformer_flags,
)
from ressl_tf.config.device_flags import DeviceFlags
from ressl_tf.config.graph_flags import GraphFlags, check_graph
from ressl_tf.config.method_flags import MethodFlags, check_method
from ressl_tf.config.method_table import KINDS, METHODS, Kind
from ressl_tf.config.normalizations import AUTO, NORMALIZATIONS, check_normalization
from ressl_tf.config.optimization_flags import OptimizationFlags
from ressl_tf.config.view_flags import ViewFlags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class Config(ViewFlags, OptimizationFlags, DeviceFlags, GraphFlags, MethodFlags):
    """A pretraining run. A run is a function of these values and the step.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    dataset: str = option(
        "shapes",
        "Data to learn from: any TFDS name (imagenet2012, cifar10, ...), folder:/path "
        "with photos (class folders or a flat folder), folder:/a,/b, "
        "list:/path.csv (columns path, label, split; or .parquet, or a .txt of paths), "
        "files:/path.json (an array of such paths and files), webdataset:/path (tar "
        "shards), tfrecord:/path, or shapes, the embedded set; for rgrl "
        "graph:/path/file.npz (gnn-benchmark's layout).",
        group="data",
        path=data_flags.PATHS,
        remote=True,
    )
    split: str = option(
        "train", "Split to train on, in TFDS syntax: train, train[:10%], unlabelled."
    )
    eval_split: str = option(
        "auto",
        "Split that the kNN monitor classifies: auto takes test, else validation; "
        "none turns the monitor off.",
        free=True,
    )
    knn_bank_split: str = option(
        "auto",
        "Split whose labelled images are the kNN monitor's bank: auto takes the one "
        "that is trained on.",
        free=True,
    )
    data_dir: str = data_flags.data_dir()
    download: bool = data_flags.download()
    labels: str = data_flags.labels()
    on_bad_image: str = data_flags.on_bad_image("takes another")
    max_pixels: int = decoding.max_pixels()
    exif: str = decoding.exif()
    value_range: str = decoding.value_range()
    pixels: str = decoding.pixels()
    cache: str = data_flags.cache()
    cache_dir: str = data_flags.cache_dir()
    image_size: int = option(
        32,
        "Side of the training views in pixels. Larger sees more and costs its square.",
        low=8,
        high=1024,
    )
    channels: int = data_flags.channels()
    rgb: str = shown_rgb.rgb()
    normalization: str = option(
        "imagenet",
        "Mean and standard deviation that the encoder normalises by. auto: those of "
        "1,024 training images. Where images are not RGB, the average over channels.",
        choices=(*NORMALIZATIONS, AUTO),
    )
    mean: tuple = normalizations.mean()
    std: tuple = normalizations.std()

    backbone: str = own_backbone.backbone()
    width: float = option(
        1.0,
        "Factor on the network's channels. 0.25 trains on two CPU cores; wider learns "
        "more.",
        low=1 / 16,
        high=8.0,
    )
    stem: str = option(
        "standard",
        "First layers: standard (7x7 stride 2, max-pool; 224 px), small_maxpool (3x3 "
        "stride 1, max-pool; 64 to 96 px), small (3x3 stride 1; 32 px), small_pad2 (as "
        "that, padded by 2: solo-learn's). Other networks reach the same strides, 32, "
        "16 and 8; a ViT has patches of 16, 8 and 4 px (or see --patch_size).",
        choices=("standard", "small", "small_maxpool", "small_pad2"),
    )
    batch_norm: str = option(
        "local",
        "Samples that share batch statistics: local (one device's), shuffle (as local, "
        "the target's batch permuted over the devices), sync (all), split (8 groups of "
        "a device's batch, the target's permuted). ConvNeXt and ViT have none: then it "
        "concerns the heads.",
        choices=("local", "shuffle", "sync", "split"),
    )
    zero_init_gamma: bool = option(
        False,
        "Start each residual block of a ResNet as the identity (RSA and BYOL publish "
        "it so).",
    )
    patch_size: int = transformer_flags.patch_size()
    vit_pooling: str = transformer_flags.vit_pooling()
    drop_path: float = transformer_flags.drop_path()
    hidden_dim: int = option(
        2048,
        "Width of the projector's hidden layer. Too low: the features themselves have "
        "to drop what the loss ignores.",
        low=1,
        high=65536,
    )
    embedding_dim: int = option(
        128,
        "Length of an embedding. Too low: relations are coarse; too high: memory of "
        "the queue, K times this.",
        low=2,
        high=65536,
    )

    init_from: str = option(
        "",
        "Start from a trained encoder: a workdir, a SavedModel or a .keras file. Its "
        "projector is taken too where it has the run's shapes. own: the weights that a "
        "--backbone of your own has. Empty: random weights.",
        path=True,
    )

    workdir: str = option(
        "",
        "Folder of the run: config, checkpoints, logs. The same command goes on "
        "where it stopped. Empty: runs/METHOD-DATASET-BACKBONE-seedSEED.",
        group="run",
        free=True,
        path=True,
        remote=True,
    )
    knn_every: int = option(
        10,
        "Epochs between two kNN checks; it also runs before the first epoch and after "
        "the last. 0: never.",
        low=0,
        free=True,
    )
    knn_k: int = option(
        200,
        "Neighbours that vote in the kNN monitor. Too high for a small set: far ones "
        "outvote the near; too low: noise.",
        low=1,
        free=True,
    )
    knn_temp: float = option(
        0.1, "Temperature T of their votes, exp(similarity / T).", low=0.001, free=True
    )
    knn_images: int = option(
        50_000,
        "Largest number of labelled images in the kNN monitor's bank.",
        low=1,
        free=True,
    )
    keep_checkpoints: int = option(
        3, "Number of the last checkpoints that stay.", low=1, free=True
    )
    keep_best: bool = option(
        False,
        "Keep the checkpoint with the best kNN top-1 too, checkpoints/best.npz; "
        "--model_selection=best of the other commands takes it. Only epochs that "
        "--knn_every measures can be the best.",
        free=True,
    )
    checkpoint_every_steps: int = recovery.checkpoint_every_steps()
    checkpoint_every_minutes: float = recovery.checkpoint_every_minutes()
    grace_seconds: float = recovery.grace_seconds()
    on_nan: str = recovery.on_nan()
    max_nan_steps: int = recovery.max_nan_steps()
    log_seconds: float = recovery.log_seconds()
    tracker: tuple = tracker_flags.tracker()
    tensorboard: bool = tracker_flags.tensorboard()
    report: bool = option(
        False,
        "Write report.html into the workdir, a page to look at the run; see "
        "ressl_tf.report.",
        free=True,
    )
    report_every: int = option(
        10,
        "Epochs between two reports while the run goes on, with --report. Too low: "
        "each takes a forward pass of 500 images and some seconds.",
        low=1,
        free=True,
    )
    callbacks: tuple = option(
        (),
        "Callbacks of your own, module:function or file.py:function: "
        "the function, or class, makes a keras.callbacks.Callback or a list of them.",
        free=True,
        repeated=True,
    )
    max_steps: int = option(
        0,
        "Step to stop after, for trying things; the schedule stays. 0: no.",
        low=0,
        free=True,
    )
    dry_run: bool = option(
        False, "Print what would run (steps, parameters, memory) and stop.", free=True
    )

    def __post_init__(self):
        check(self)
        object.__setattr__(self, "backbone", own_backbone.checked(self))
        self.check_devices()
        self.check_views()
        check_normalization(self)
        self.check_data()
        self.check_keep_best()
        check_graph(self)
        self.check_optimization()
        check_method(self)
        # At least so many; the GPUs there are count when the run begins.
        self.check_batch(max(1, self.logical_devices, self.num_workers))

    def check_batch(self, replicas: int) -> None:
        """Refuse a batch that devices and micro-batches cannot share equally.

        Args:
            replicas: devices.

        Raises:
            UsageError: says what it must be a multiple of.
        """
        groups = backbone_table.SPLIT_GROUPS if self.batch_norm == "split" else 1
        pieces = replicas * self.gradient_accumulation * groups
        if self.batch_size % pieces or self.batch_size < 2 * pieces:
            counts = f"{replicas} devices x {self.gradient_accumulation} micro-batches"
            counts += f" x {groups} groups" if groups > 1 else ""
            raise UsageError(
                f"--batch_size must be a multiple of {pieces} ({counts}) and at least "
                f"{2 * pieces}. Received: {self.batch_size}"
            )

    def check_data(self) -> None:
        """Refuse a data set that the method cannot learn from, ranges and channels.

        Raises:
            UsageError: says what the method learns from, or what is allowed.
        """
        decoding.bounds(self.value_range)
        shown_rgb.places(self.rgb, self.channels)
        others = [kind for kind in KINDS.values() if kind.prefix and kind != self.kind]
        foreign = any(self.dataset.startswith(kind.prefix) for kind in others)
        if foreign or not self.dataset.startswith(self.kind.prefix):
            wanted = METHODS[self.method].learns_from
            wanted += f", --dataset={self.kind.prefix}/path" * bool(self.kind.prefix)
            raise UsageError(
                f"--method={self.method} learns from {wanted}. "
                f"Received: --dataset={self.dataset}"
            )

    def check_keep_best(self) -> None:
        """Refuse to choose by a kNN monitor that is off.

        Raises:
            UsageError: names the flag that turns it off.
        """
        off = ["--knn_every=0"] if self.knn_every == 0 else []
        off += ["--eval_split=none"] if self.eval_split == "none" else []
        off += [f"--method={self.method}"] if self.kind.prefix else []
        if self.keep_best and off:
            raise UsageError(
                f"--keep_best chooses by the kNN monitor of images. Received: {off[0]}"
            )

    @property
    def kind(self) -> Kind:
        """The kind of data that the method learns from."""
        return KINDS[METHODS[self.method].learns_from]

    @staticmethod
    def ignored(stored: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the flags of a stored config that its method did not use.

        An earlier version kept the teacher's temperature of graphs as `temp_t`.
        """
        row = METHODS.get(stored.get("method", ""))
        return ("temp_t",) if row is None or row.learns_from == "images" else ()

    @property
    def run_dir(self) -> str:
        """`workdir`, or the name that an empty one stands for."""
        dataset = self.dataset.rstrip("/").split("/")[-1].replace(":", "-")
        dataset = dataset.removesuffix(".npz")
        network = self.kind.network or own_backbone.title(self.backbone)
        name = f"runs/{self.method}-{dataset}-{network}-seed{self.seed}"
        return self.workdir or name
