"""The flags of the views: what a random view of an image may change."""

import dataclasses

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class ViewFlags:
    """Random crops, turns and colours; what is off draws nothing."""

    crop_scale_min: float = option(
        0.2,
        "Smallest fraction of the image that a random crop keeps. Too low: two views "
        "may have nothing in common; too high: the task is too easy.",
        group="views",
        low=0.01,
        high=1.0,
    )
    color_jitter: tuple = option(
        (0.4, 0.4, 0.4, 0.1),
        "Brightness, contrast, saturation and hue of the strong view. Too low: colour "
        "alone solves the task; hue is at most 0.5.",
        low=0.0,
        high=1.0,
    )
    color_jitter_prob: float = option(
        0.8,
        "Fraction of strong views with colour jitter. Too low: colour gives images "
        "away.",
        low=0.0,
        high=1.0,
    )
    grayscale_prob: float = option(
        0.2,
        "Fraction of strong views without colour. Too low: colour gives images away; "
        "too high: colour is not learned at all.",
        low=0.0,
        high=1.0,
    )
    blur_prob: float = option(
        0.5,
        "Fraction of strong views with Gaussian blur. Too high on small images: "
        "texture is not learned.",
        low=0.0,
        high=1.0,
    )
    solarize_prob: float = option(
        0.0,
        "Fraction of strong views that are solarised: values of 128 and more inverted. "
        "Too high: bright and dark are not learned.",
        low=0.0,
        high=1.0,
    )
    flip_prob: float = option(
        0.5,
        "Fraction of mirrored views. 0 where left and right matter, as with text.",
        low=0.0,
        high=1.0,
    )
    vertical_flip_prob: float = option(
        0.0,
        "Fraction of views mirrored up and down. 0.5 where there is no up: satellites, "
        "microscopes; 0 where there is.",
        low=0.0,
        high=1.0,
    )
    quarter_turns: bool = option(
        False,
        "Turn every view by 0, 90, 180 or 270 degrees, drawn evenly; values stay "
        "exact. For images without an up.",
    )
    rotation: float = option(
        0.0,
        "Largest angle in degrees by which a view is turned either way, drawn evenly; "
        "corners are filled by reflection. Too high: reflected corners are learned. "
        "0: none.",
        low=0.0,
        high=180.0,
    )

    def check_views(self) -> None:
        """Refuse flags that no view can follow.

        Raises:
            UsageError: names them.
        """
        if self.color_jitter[3] > 0.5:
            raise UsageError(
                "--color_jitter's hue (the fourth) must be at most 0.5. "
                f"Received: {self.color_jitter[3]}"
            )
