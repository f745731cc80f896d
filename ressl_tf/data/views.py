"""Named random views of images: what a method declares and what a pipeline runs."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from ressl_tf.data import canvas, one_by_one
from ressl_tf.data.augment import (
    ColorJitter,
    GaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    SeededAugmentation,
    to_images,
    to_planes,
)
from ressl_tf.errors import UsageError


@keras.saving.register_keras_serializable(package="ressl_tf")
@dataclasses.dataclass(frozen=True)
class View:
    """One way to look at an image, as two lists of `SeededAugmentation` layers.

    Args:
        geometric: layers that take images of any size to a fixed one (crop, flip).
        photometric: layers that keep the size (jitter, grey, blur).
        source: name of another view. A *staged* view starts from the finished images
            of that view instead of the photo.
    """

    geometric: Sequence[SeededAugmentation] = ()
    photometric: Sequence[SeededAugmentation] = ()
    source: str | None = None

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        return {
            "geometric": [serialize(layer) for layer in self.geometric],
            "photometric": [serialize(layer) for layer in self.photometric],
            "source": self.source,
        }

    @classmethod
    def from_config(cls, config: dict) -> "View":
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            [deserialize(layer) for layer in config["geometric"]],
            [deserialize(layer) for layer in config["photometric"]],
            config["source"],
        )


@keras.saving.register_keras_serializable(package="ressl_tf")
class Views(keras.layers.Layer):
    """Draws every declared view of a batch; without weights and without state.

    `views(images, seed)` is `views.photometric(views.geometric(images, seed), seed)`.
    A pipeline of photos that differ in size calls the first part photo by photo, as a
    batch of one, and the second on batches.

    Args:
        views: name -> View. A staged view comes after its source.
        compiled: whether XLA compiles a loop over the images (`data.one_by_one`), for
            CPUs, or the layers change whole batches, for accelerators; None: compiled
            in graphs where TensorFlow has CPUs alone (the few seconds of compilation
            do not pay for a single eager call). Photos of any size are cropped one by
            one (`data.canvas`). What these have no form for goes through the layers.

    Call arguments:
        images: [batch, height, width, 3], RGB on 0..255, uint8 or float32.
        seed: int32 [2]; the same seed gives the same views.
        part: (index, count) where `images` are one of so many equal parts of a batch:
            they get the views that they would get in the whole.

    Returns:
        dict, name -> float32 [batch, size, size, 3] on 0..255.

    Example:

        views = Views({"strong": strong_view(224), "weak": weak_view(224)})
        views(images, seed=(0, step))["weak"]
    """

    def __init__(self, views: Mapping[str, View], compiled=None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32", "autocast": False})
        self.views, self.compiled = dict(views), compiled
        self.sizes = {}  # name -> side in pixels
        for name, view in self.views.items():
            if view.source is not None and view.source not in self.sizes:
                raise UsageError(
                    f"The source of view {name!r} must be declared before it. "
                    f"Received: source={view.source!r} after {list(self.sizes)}"
                )
            self.sizes[name] = _size(name, view, self.sizes)
        self.built = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.views)

    @property
    def size(self) -> int | None:
        """Side of all views in pixels; None where they differ."""
        sizes = set(self.sizes.values())
        return sizes.pop() if len(sizes) == 1 else None

    def call(self, images, seed, part=None) -> dict[str, tf.Tensor]:
        images, finished = tf.convert_to_tensor(images), {}
        for name, view in self.views.items():
            source = images if view.source is None else finished[view.source]
            finished[name] = self._look(source, view, _fold(seed, name), part)
        return finished

    def geometric(self, images, seed, part=None) -> dict[str, tf.Tensor]:
        """The crops of every view that starts from the photo."""
        images = tf.convert_to_tensor(images)
        return {
            name: self._look(images, View(view.geometric), _fold(seed, name), part)
            for name, view in self.views.items()
            if view.source is None
        }

    def photometric(self, crops, seed, part=None) -> dict[str, tf.Tensor]:
        """Finishes the views, staged ones too, from the result of `geometric`."""
        finished = {}
        for name, view in self.views.items():
            source = crops[name] if view.source is None else finished[view.source]
            if view.source is None:
                view = View(photometric=view.photometric)
            finished[name] = self._look(source, view, _fold(seed, name), part)
        return finished

    def _look(self, images, view, seed, part) -> tf.Tensor:
        compiled = self.compiled
        if compiled is None:
            on_cpu = not tf.config.list_logical_devices("GPU")
            compiled = on_cpu and not tf.executing_eagerly()
        if compiled and one_by_one.covers(images, view.geometric, view.photometric):
            return _compiled(images, view, seed, part)
        if compiled and canvas.covers(images, view.geometric, view.photometric):
            (crop,) = view.geometric
            box = crop.draw(images, _own_seed(seed, 0), part)
            return canvas.crop(images, **box, size=crop.size, antialias=crop.antialias)
        moved = _move(images, view.geometric, seed, part)
        return _paint(moved, view.photometric, seed, part)

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        views = {name: serialize(view) for name, view in self.views.items()}
        return {**super().get_config(), "views": views, "compiled": self.compiled}

    @classmethod
    def from_config(cls, config: dict) -> "Views":
        deserialize = keras.saving.deserialize_keras_object
        views = {name: deserialize(view) for name, view in config["views"].items()}
        return cls(**{**config, "views": views})


def strong_view(
    size: int,
    scale=(0.2, 1.0),
    *,
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.1,
    jitter_p=0.8,
    grayscale_p=0.2,
    blur_p=0.5,
    blur_sigma=(0.1, 2.0),
    flip_p=0.5,
) -> View:
    """ReSSL's (and MoCo v2's) strong view: crop, flip, jitter, grey, blur."""
    return dataclasses.replace(
        weak_view(size, scale, flip_p=flip_p),
        photometric=[
            ColorJitter(brightness, contrast, saturation, hue, p=jitter_p),
            RandomGrayscale(grayscale_p),
            GaussianBlur(blur_p, blur_sigma),
        ],
    )


def weak_view(size: int, scale=(0.2, 1.0), *, flip_p=0.5) -> View:
    """ReSSL's weak view: crop and flip only."""
    return View([RandomResizedCrop(size, scale, flip_p=flip_p)])


def _size(name, view, sizes) -> int:
    """The side of a view: its last crop's, or else its source's."""
    crops = [layer.size for layer in view.geometric if hasattr(layer, "size")]
    if not crops and view.source is None:
        raise UsageError(
            f"View {name!r} needs a RandomResizedCrop or a source, for images of one "
            f"size. Received: geometric={list(view.geometric)}"
        )
    return crops[-1] if crops else sizes[view.source]


def _fold(seed, name):
    """A seed for each name, whatever other views there are."""
    return tf.random.experimental.stateless_fold_in(
        tf.convert_to_tensor(seed, tf.int32), zlib.crc32(name.encode()) >> 1
    )


def _own_seed(seed, position):
    """Of the layer at a position of its list."""
    return tf.random.experimental.stateless_fold_in(seed, position)


def _compiled(images, view, seed, part):
    """`_move` and `_paint` in one loop over the images, with the same draws."""
    drawn = [
        layer.draw(images, _own_seed(seed, position), part)
        for position, layer in enumerate(view.photometric)
    ]
    if not view.geometric:
        return one_by_one.paint(images, view.photometric, drawn)
    (crop,) = view.geometric
    box = crop.draw(images, _own_seed(seed, 0), part)
    return one_by_one.crop(
        images,
        **box,
        size=crop.size,
        antialias=crop.antialias,
        layers=view.photometric,
        drawn=drawn,
    )


def _move(images, layers, seed, part):
    whole = {} if part is None else {"part": tf.stack(part)}
    for position, layer in enumerate(layers):
        inputs = {"images": images, "seed": _own_seed(seed, position), **whole}
        images = layer(inputs)["images"]
    return images


def _paint(images, layers, seed, part):
    """Runs photometric layers without going back to pixel triples in between."""
    if not layers:
        return images
    planes = to_planes(images)
    for position, layer in enumerate(layers):
        drawn = layer.draw(planes, _own_seed(seed, position), part)
        planes = layer.augment_planes(planes, drawn)
    return to_images(planes)
