"""Named random views of images, declared by a method and run by a pipeline."""

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.data.augment import (
    compiled_loop,
    former_names,
    per_image,
    whole_batch,
)
from ressl_tf.data.augment.layers import (
    ColorJitter,
    GaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
)
from ressl_tf.data.augment.operations import Layers
from ressl_tf.data.augment.seeded import Samples, SeededAugmentation, Shard
from ressl_tf.data.augment.view import View, layer_names
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.shown_shape import ShownShape


@keras.saving.register_keras_serializable(package="ressl_tf")
class Views(ShownShape, keras.layers.Layer):
    """A layer that makes every declared view of a batch, without weights or state.

    `views(images, seed)` is `views.photometric(views.geometric(images, seed), seed)`.
    A pipeline of photos that differ in size takes three steps with the same result:
    `sample` for a batch, `apply_to_photo` for each photo, `finalize` for the batch.

    Args:
        views: name -> View. A staged view comes after its source.
        compiled: True for a compiled loop over the images, best on CPUs
            (`data.augment.compiled_loop`). False for layers on whole batches, best on
            accelerators. None: compiled in graphs where TensorFlow has CPUs alone (the
            few seconds of compilation do not pay for a single eager call). Views that
            the loop does not support go through the layers.

    Call arguments:
        images: [batch, height, width, 3], RGB on 0..255, uint8 or float32; or of
            another number of channels, which have no colours to jitter.
        seed: int32 [2]; the same seed gives the same views.
        shard: (index, count) where `images` are one of `count` equal shards of a
            batch: they get the views that they have in the whole batch.

    Returns:
        dict, name -> float32 [batch, size, size, 3] on 0..255.

    Example:
        views = Views({"strong": strong_view(224), "weak": weak_view(224)})
        views(images, seed=(0, step))["weak"]
    """

    def __init__(
        self, views: Mapping[str, View], compiled: bool | None = None, **kwargs
    ):
        super().__init__(**{**kwargs, "dtype": "float32", "autocast": False})
        self.views, self.compiled = dict(views), compiled
        self.sizes: dict[str, int] = {}  # name -> side in pixels
        for name, view in self.views.items():
            if view.source is not None and view.source not in self.sizes:
                raise UsageError(
                    f"The source of view {name!r} must be declared before it. "
                    f"Received: source={view.source!r} after {list(self.sizes)}"
                )
            self.sizes[name] = _size(name, view, self.sizes)
        self.built = True
        self.show_shape()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the views, in the order of their declaration."""
        return tuple(self.views)

    def compute_output_shape(self, input_shape: Any) -> dict[str, tuple]:
        """Return the shape of each view, whatever the images' is."""
        channels = input_shape[-1] if input_shape else 3
        return {name: (None, side, side, channels) for name, side in self.sizes.items()}

    @property
    def size(self) -> int | None:
        """Side of all views in pixels; None where they differ."""
        sizes = set(self.sizes.values())
        return sizes.pop() if len(sizes) == 1 else None

    def __call__(self, images: Any, seed: Any, shard: Shard | None = None) -> Any:
        """Make every view; Keras takes but tensors by position, this any seed."""
        return super().__call__(images, seed=seed, shard=shard)

    def call(
        self, images: tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
    ) -> dict[str, tf.Tensor]:
        """Make every view of a batch of images."""
        images = tf.convert_to_tensor(images)
        finished: dict[str, tf.Tensor] = {}
        for name, view in self.views.items():
            source = images if view.source is None else finished[view.source]
            finished[name] = self._apply_view(source, view, _fold(seed, name), shard)
        return finished

    def crops(self) -> "Views":
        """Return the views that start from the photo, without photometric layers."""
        first = {n: view for n, view in self.views.items() if view.source is None}
        crops = {name: View(view.geometric) for name, view in first.items()}
        return Views(crops, self.compiled)

    def geometric(
        self, images: tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
    ) -> dict[str, tf.Tensor]:
        """Crop every view that starts from the photo."""
        return self.crops()(images, seed, shard=shard)

    def photometric(
        self,
        crops: Mapping[str, tf.Tensor],
        seed: tf.Tensor,
        shard: Shard | None = None,
    ) -> dict[str, tf.Tensor]:
        """Complete the views, staged ones too, from the result of `geometric`."""
        finished: dict[str, tf.Tensor] = {}
        for name, view in self.views.items():
            source = crops[name] if view.source is None else finished[view.source]
            if view.source is None:
                view = View(photometric=view.photometric)
            finished[name] = self._apply_view(source, view, _fold(seed, name), shard)
        return finished

    def sample(
        self, batch: int | tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
    ) -> dict[str, Samples]:
        """Sample the transformations of a batch of photos, for `apply_to_photo`.

        Args:
            batch: number of photos.
            seed: as in `views(...)`.
            shard: as in `views(...)`.

        Returns:
            dict, name -> tensors [batch, ...], nested.
        """
        return {
            name: per_image.sample(
                *self._photo_layers(view), batch, _fold(seed, name), shard
            )
            for name, view in self.views.items()
            if self._completes_photos or view.source is None
        }

    def apply_to_photo(
        self, photo: tf.Tensor, samples: Mapping[str, Samples]
    ) -> dict[str, tf.Tensor]:
        """Make the views of one photo, or only their crops, for `finalize`.

        Args:
            photo: [height, width, 3], RGB on 0..255, uint8 or float32.
            samples: the photo's rows of what `sample` made.

        Returns:
            dict, name -> float32 [size, size, 3].
        """
        photo_views: dict[str, tf.Tensor] = {}
        for name, sample in samples.items():
            view = self.views[name]
            source = photo if view.source is None else photo_views[view.source]
            photo_views[name] = per_image.apply_to_photo(
                source, *self._photo_layers(view), sample, self._compiles
            )
        return photo_views

    def finalize(
        self,
        photo_views: Mapping[str, tf.Tensor],
        seed: tf.Tensor,
        shard: Shard | None = None,
    ) -> dict[str, tf.Tensor]:
        """Complete the views of a batch of photos.

        Args:
            photo_views: results of `apply_to_photo`, batched.
            seed: as in `views(...)`.
            shard: as in `views(...)`.
        """
        if self._completes_photos:
            return dict(photo_views)
        return self.photometric(photo_views, seed, shard)

    def _photo_layers(self, view: View) -> tuple[Layers, Layers]:
        """Return the layers for single photos; the others are left to `finalize`."""
        return view.geometric, view.photometric if self._completes_photos else ()

    @property
    def _completes_photos(self) -> bool:
        """Whether `apply_to_photo` applies all layers, compiled.

        Then a photo stays in the cache; without compilation batches are faster.
        """
        return self._compiles and all(
            compiled_loop.supports(view.geometric, view.photometric)
            for view in self.views.values()
        )

    @property
    def _compiles(self) -> bool:
        if self.compiled is not None:
            return self.compiled
        on_cpu = not tf.config.list_logical_devices("GPU")
        return on_cpu and not tf.executing_eagerly()

    def _apply_view(
        self, images: tf.Tensor, view: View, seed: tf.Tensor, shard: Shard | None
    ) -> tf.Tensor:
        layers = view.geometric, view.photometric
        return whole_batch.apply(images, *layers, seed, shard, self._compiles)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        serialize = keras.saving.serialize_keras_object
        views = {name: serialize(view) for name, view in self.views.items()}
        return {**super().get_config(), "views": views, "compiled": self.compiled}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Views":
        """Rebuild the layer from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        views = {name: deserialize(view) for name, view in config["views"].items()}
        return cls(**{**config, "views": views})


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


def _size(name: str, view: View, sizes: Mapping[str, int]) -> int:
    """Return the side of a view: its last crop's, or else its source's."""
    crops = [layer.size for layer in view.geometric if hasattr(layer, "size")]
    if crops:
        return crops[-1]
    if view.source is None:
        raise UsageError(
            f"View {name!r} needs a RandomResizedCrop or a source, for images of one "
            f"size. Received: geometric={layer_names(view.geometric)}"
        )
    return sizes[view.source]


def _fold(seed: tf.Tensor, name: str) -> tf.Tensor:
    """Derive a view's seed from its name, whatever other views there are."""
    return tf.random.experimental.stateless_fold_in(
        tf.convert_to_tensor(seed, tf.int32), zlib.crc32(name.encode()) >> 1
    )
