"""Named random views of images, declared by a method and run by a pipeline."""

import zlib
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.data.augment import compiled_loop, per_image, whole_batch
from ressl_tf.data.augment.operations import Layers
from ressl_tf.data.augment.oriented import upright
from ressl_tf.data.augment.seeded import Samples, Shard
from ressl_tf.data.augment.view import View, layer_names, strong_view, weak_view
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.shown_shape import ShownShape

__all__ = ["View", "Views", "strong_view", "weak_view"]


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

    turns_photos = True  # `apply_to_photo` takes an orientation

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
        self,
        photo: tf.Tensor,
        samples: Mapping[str, Samples],
        orientation: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Make the views of one photo, or only their crops, for `finalize`.

        Args:
            photo: [height, width, 3], RGB on 0..255, uint8 or float32.
            samples: the photo's rows of what `sample` made.
            orientation: of the photo as it is stored, int32 []; None: upright.

        Returns:
            dict, name -> float32 [size, size, 3].
        """
        if orientation is not None and not self._turn_crops(photo):
            photo, orientation = upright(photo, orientation), None
        photo_views: dict[str, tf.Tensor] = {}
        for name, sample in samples.items():
            view = self.views[name]
            source, turned = photo, orientation
            if view.source is not None:
                source, turned = photo_views[view.source], None
            layers = self._photo_layers(view)
            photo_views[name] = per_image.apply_to_photo(
                source, *layers, sample, self._compiles, turned
            )
        return photo_views

    def _turn_crops(self, photo: tf.Tensor) -> bool:
        of_photos = [v.geometric for v in self.views.values() if v.source is None]
        compiles = self._compiles
        return all(per_image.turns_crops(photo, g, compiles) for g in of_photos)

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
