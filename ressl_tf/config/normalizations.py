"""Mean and standard deviation of the recipes' data sets, by name, or one's own."""

from typing import Any

from ressl_tf.config.decoding import RGB
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

# Per channel on the scale 0..1; as the small-image and ImageNet recipes state them.
AUTO = "auto"
NORMALIZATIONS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "stl10": ((0.4408, 0.4279, 0.3867), (0.2682, 0.2610, 0.2686)),
    "tiny_imagenet": ((0.4802, 0.4481, 0.3975), (0.2302, 0.2265, 0.2262)),
}


def for_channels(
    name: str, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return a row of `NORMALIZATIONS`, or its average where images are not RGB."""
    mean, std = NORMALIZATIONS[name]
    if channels == RGB:
        return mean, std
    return (sum(mean) / 3,) * channels, (sum(std) / 3,) * channels


def mean() -> tuple:
    """Declare `--mean`."""
    return option(
        (),
        "Own mean of each channel on 0..1 (red, green and blue) instead of "
        "--normalization's, with --std. Empty: that of --normalization.",
        low=0.0,
        high=1.0,
        any_length=True,
    )


def std() -> tuple:
    """Declare `--std`."""
    return option(
        (),
        "Own standard deviation of each channel on 0..1, with --mean. Empty: that of "
        "--normalization.",
        low=0.001,
        high=1.0,
        any_length=True,
    )


def check_normalization(config: Any) -> None:
    """Refuse a mean without a standard deviation, or one of another number of channels.

    Raises:
        UsageError: says what is needed.
    """
    if bool(config.mean) != bool(config.std):
        given, missing = ("mean", "std") if config.mean else ("std", "mean")
        raise UsageError(f"--{given} needs --{missing}. Received: no --{missing}")
    for name in ("mean", "std"):
        channels = getattr(config, "channels", RGB)
        if len(getattr(config, name)) not in (0, channels):
            of = "three numbers on 0..1, of red, green and blue"
            if channels != RGB:
                of = f"{channels} numbers on 0..1, one of each channel"
            raise UsageError(
                f"--{name} must be {of}. "
                f"Received: {','.join(map(str, getattr(config, name)))}"
            )


def mean_and_std(config: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the config's own mean and standard deviation, or `--normalization`'s.

    Those of `auto` are the training images'; `pretraining.auto_normalization` puts
    them into a run's config.
    """
    if config.mean:
        return config.mean, config.std
    if config.normalization == AUTO:
        raise UsageError(
            "--normalization=auto is of a run, which measures its training images; "
            "give --mean and --std"
        )
    return for_channels(config.normalization, getattr(config, "channels", RGB))
