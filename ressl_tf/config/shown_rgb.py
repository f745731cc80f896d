"""Which channels pictures show as red, green and blue: `--rgb`."""

from ressl_tf.config.decoding import RGB
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

WHAT = (
    "Channels that pictures show as red, green and blue, counted from 1: 3,2,1 or 8,4,2"
    "; or one, shown as grey: 4."
)


def rgb() -> str:
    """Declare `--rgb` of training."""
    text = "Empty: the first three; of one or two channels the first, as grey."
    return option("", f"{WHAT} {text}", free=True)


def rgb_of_encoder() -> str:
    """Declare `--rgb` of a command that shows images of a trained encoder."""
    return option("", f"{WHAT} Empty: as in its training.", free=True)


def places(rgb: str, channels: int) -> tuple[int, int, int]:
    """Return the places, from 0, of the channels shown as red, green and blue.

    Args:
        rgb: the flag; empty for the default.
        channels: of the images.

    Raises:
        UsageError: it is not one channel or three, or there is no such channel.
    """
    if not rgb:
        return (0, 1, 2) if channels >= RGB else (0, 0, 0)
    try:
        found = [int(number) for number in rgb.split(",")]
    except ValueError:
        found = []
    if len(found) in (1, RGB) and all(1 <= number <= channels for number in found):
        red, green, blue = (number - 1 for number in found * (RGB // len(found)))
        return red, green, blue
    raise UsageError(
        f"--rgb is one channel or three, of 1 to {channels} that the images have "
        f"(--channels): {','.join(map(str, range(min(channels, RGB), 0, -1)))}. "
        f"Received: {rgb}"
    )
