"""Named random views of images: what a method declares and what a pipeline runs."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from ressl_tf.data.augment import compiled_loop, per_image
from ressl_tf.data.augment.layers import (
    ColorJitter,
    GaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    SeededAugmentation,
    to_images,
    to_planes,
)
from ressl_tf.runtime.errors import UsageError


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
    A pipeline of photos that differ in size has them in three steps, `draw` for a
    batch, `look` at each photo, and `finish` for the batch: with the same result.

    Args:
        views: name -> View. A staged view comes after its source.
        compiled: whether XLA compiles a loop over the images
            (`data.augment.compiled_loop`), for CPUs, or the layers change whole
            batches, for accelerators; None: compiled in graphs where TensorFlow has
            CPUs alone (the few seconds of compilation do not pay for a single eager
            call). What it has no form for goes through the layers.

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

    def crops(self) -> "Views":
        """The views that start from the photo, without their photometric layers."""
        first = {n: view for n, view in self.views.items() if view.source is None}
        crops = {name: View(view.geometric) for name, view in first.items()}
        return Views(crops, self.compiled)

    def geometric(self, images, seed, part=None) -> dict[str, tf.Tensor]:
        """The crops of every view that starts from the photo."""
        return self.crops()(images, seed, part=part)

    def photometric(self, crops, seed, part=None) -> dict[str, tf.Tensor]:
        """Finishes the views, staged ones too, from the result of `geometric`."""
        finished = {}
        for name, view in self.views.items():
            source = crops[name] if view.source is None else finished[view.source]
            if view.source is None:
                view = View(photometric=view.photometric)
            finished[name] = self._look(source, view, _fold(seed, name), part)
        return finished

    def draw(self, batch, seed, part=None) -> dict:
        """What a batch's photos draw: name -> tensors [batch, ...], for `look`.

        Args:
            batch: number of photos.
            seed, part: as `views(...)` has them.
        """
        return {
            name: per_image.draw(*self._looked_at(view), batch, _fold(seed, name), part)
            for name, view in self.views.items()
            if self._ends_in_look or view.source is None
        }

    def look(self, photo, drawn) -> dict[str, tf.Tensor]:
        """The photo's views, or their crops: what `finish` takes a batch of.

        Args:
            photo: [height, width, 3], RGB on 0..255, uint8 or float32.
            drawn: its part of what `draw` made.

        Returns:
            dict, name -> float32 [size, size, 3].
        """
        looks = {}
        for name, own in drawn.items():
            view = self.views[name]
            source = photo if view.source is None else looks[view.source]
            looks[name] = per_image.look(
                source, *self._looked_at(view), own, self._compiles
            )
        return looks

    def finish(self, looks, seed, part=None) -> dict[str, tf.Tensor]:
        """The views of a batch of `looks`; arguments as in `views(...)`."""
        return looks if self._ends_in_look else self.photometric(looks, seed, part)

    def _looked_at(self, view):
        """The layers of which `look` knows; the others are left to `finish`."""
        return view.geometric, view.photometric if self._ends_in_look else ()

    @property
    def _ends_in_look(self) -> bool:
        """Whether a photo is looked at from its crop to its last change, compiled.

        Then it stays in the cache; layers are better off with batches.
        """
        return self._compiles and all(
            compiled_loop.knows(view.geometric, view.photometric)
            for view in self.views.values()
        )

    @property
    def _compiles(self) -> bool:
        if self.compiled is not None:
            return self.compiled
        on_cpu = not tf.config.list_logical_devices("GPU")
        return on_cpu and not tf.executing_eagerly()

    def _look(self, images, view, seed, part) -> tf.Tensor:
        if self._compiles and compiled_loop.covers(
            images, view.geometric, view.photometric
        ):
            return _compiled(images, view, seed, part)
        moved = per_image.move(images, view.geometric, seed, part)
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


@tf.autograph.experimental.do_not_convert  # slow, for nothing
def _compiled(images, view, seed, part):
    """A view in one loop over the images, with the draws of its layers."""
    layers, plans = view.photometric, ()
    if layers:
        drawn = per_image.draw_each(layers, images, seed, part)
        plans = compiled_loop.plan(layers, drawn)
    if not view.geometric:
        return compiled_loop.paint(images, layers, plans)
    (crop,) = view.geometric
    drawn = crop.draw(images, per_image.own_seed(seed, 0), part)
    return compiled_loop.crop(
        images, **crop.place(images, drawn), layers=layers, plans=plans
    )


def _paint(images, layers, seed, part):
    """Runs photometric layers without going back to pixel triples in between."""
    if not layers:
        return images
    planes = to_planes(images)
    drawn = per_image.draw_each(layers, planes, seed, part)
    for layer, draws in zip(layers, drawn, strict=True):
        planes = layer.augment_planes(planes, draws)
    return to_images(planes)
