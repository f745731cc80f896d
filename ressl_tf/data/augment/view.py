"""One random view: which layers an image passes, in which order; and ReSSL's two."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from ressl_tf.data.augment import former_names
from ressl_tf.data.augment.keras_layer import KerasLayer
from ressl_tf.data.augment.layers import (
    ColorJitter,
    GaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
)
from ressl_tf.data.augment.seeded import SeededAugmentation
from ressl_tf.runtime.errors import UsageError


@keras.saving.register_keras_serializable(package="ressl_tf")
@dataclasses.dataclass(frozen=True)
class View:
    """A random view of an image, as two lists of layers.

    Besides the package's own, which are the fastest, Keras's and keras-cv's layers of
    images are taken, and others that draw by `keras.random`: they are drawn by the seed
    of the view, one image after another (`data.augment.keras_layer`).

    Args:
        geometric: layers that bring images of any size to a fixed one (crop, flip).
        photometric: layers that keep the size (jitter, grey, blur).
        source: name of another view. A *staged* view starts from the finished images
            of that view instead of the photo.
    """

    geometric: Sequence[Any] = ()
    photometric: Sequence[Any] = ()
    source: str | None = None

    def __post_init__(self):
        for name in ("geometric", "photometric"):
            object.__setattr__(self, name, [*map(_seeded, getattr(self, name))])
        for layer in self.photometric:
            if hasattr(layer, "size"):
                raise UsageError(
                    "photometric layers keep the size of images; others are geometric "
                    f"ones. Received: photometric={layer_names(self.photometric)}"
                )

    def weak(self) -> "View":
        """Return the view without colours: drawn in the same way, by its own name."""
        return View(self.geometric, source=self.source)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the view."""
        serialize = keras.saving.serialize_keras_object
        return {
            "geometric": [serialize(layer) for layer in self.geometric],
            "photometric": [serialize(layer) for layer in self.photometric],
            "source": self.source,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "View":
        """Rebuild a view from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            [deserialize(layer) for layer in config["geometric"]],
            [deserialize(layer) for layer in config["photometric"]],
            config["source"],
        )


@former_names.accepted
def strong_view(
    size: int,
    scale: tuple[float, float] = (0.2, 1.0),
    *,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.1,
    color_jitter_prob: float = 0.8,
    grayscale_prob: float = 0.2,
    blur_prob: float = 0.5,
    blur_sigma: tuple[float, float] = (0.1, 2.0),
    solarize_prob: float = 0.0,
    flip_prob: float = 0.5,
    vertical_flip_prob: float = 0.0,
    quarter_turns: bool = False,
    rotation: float = 0.0,
) -> View:
    """Build ReSSL's (and MoCo v2's) strong view: crop, flip, jitter, grey, blur.

    With `solarize_prob` it is solarised last, values of 128 and more inverted, as
    BYOL's second view. The other options are those of the layers, above all of
    `RandomResizedCrop`; one that is off (0, False) draws nothing.
    """
    colours: list[SeededAugmentation] = [
        ColorJitter(brightness, contrast, saturation, hue, p=color_jitter_prob),
        RandomGrayscale(grayscale_prob),
        GaussianBlur(blur_prob, blur_sigma),
    ]
    if solarize_prob:
        colours.append(RandomSolarize(solarize_prob))
    weak = weak_view(
        size,
        scale,
        flip_prob=flip_prob,
        vertical_flip_prob=vertical_flip_prob,
        quarter_turns=quarter_turns,
        rotation=rotation,
    )
    return dataclasses.replace(weak, photometric=colours)


@former_names.accepted
def weak_view(
    size: int,
    scale: tuple[float, float] = (0.2, 1.0),
    *,
    flip_prob: float = 0.5,
    vertical_flip_prob: float = 0.0,
    quarter_turns: bool = False,
    rotation: float = 0.0,
) -> View:
    """Build ReSSL's weak view: crop and flip only; options of `RandomResizedCrop`."""
    crop = RandomResizedCrop(
        size,
        scale,
        flip_p=flip_prob,
        vertical_flip_prob=vertical_flip_prob,
        quarter_turns=quarter_turns,
        rotation=rotation,
    )
    return View([crop])


def layer_names(layers: Sequence[Any]) -> list[str]:
    """List the classes of layers, for messages."""
    return [type(getattr(layer, "layer", layer)).__name__ for layer in layers]


def _seeded(layer: Any) -> SeededAugmentation:
    """Return a layer that takes a seed: it, or a `KerasLayer` of it."""
    return layer if isinstance(layer, SeededAugmentation) else KerasLayer(layer)
