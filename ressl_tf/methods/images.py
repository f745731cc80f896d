"""Methods on images: an encoder, the views it learns from, and batches of either."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.config.normalizations import for_channels, mean_and_std
from ressl_tf.data.augment import deferred, former_names
from ressl_tf.engine import fit_arguments, fit_data
from ressl_tf.methods import configured_backbone, image_batches
from ressl_tf.methods.arguments import (
    check_choice,
    check_normalization,
    check_views,
    inputs_of,
)
from ressl_tf.methods.base import SSLModel
from ressl_tf.methods.pixel_range import PixelRange
from ressl_tf.models import backbones, heads
from ressl_tf.models.backbones import own
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime import distribute
from ressl_tf.runtime.randomness import permutation

HEADS = ("plain", "bn")


class ImageSSL(SSLModel):
    """An image encoder that learns from its own moving average.

    As a `keras.Model` it maps raw images [batch, h, w, 3] on 0..255 to features
    [batch, f], without augmentation.

    `fit` takes raw images (uint8 or float, from an array or a `tf.data.Dataset`, with
    or without labels, which are ignored), or a data set of dicts: with the images as
    "image", as `tfds.load` gives them, or of finished views, or of the crops that
    `data.augment.deferred` tells of. `fit(validation_data=...)` and `evaluate` measure
    the loss on images that it does not learn from; see `methods.validation`.

    Args:
        backbone: a name of `models.backbones.NAMES`, or a Keras model from normalised
            images to features, or to a feature map, which is pooled.
        image_size: side of the views in pixels.
        hidden_dim: width of the projector's hidden layer.
        embedding_dim: length of an embedding.
        head: the projector's form: "plain" (Linear - ReLU - Linear) or "bn" (batch
            normalisation before the ReLU).
        batch_norm: scope of the batch statistics of the heads, "local", "sync" or
            "split" ("shuffle" is as "local"); that of a backbone given by name is
            "local".
        mean: per channel on 0..1, for normalisation; ImageNet's by default.
        std: per channel on 0..1, for normalisation; ImageNet's by default.
        channels: of the images. Where they are not RGB, saturation, hue and grey leave
            them as they are, and the default mean and std are ImageNet's average.
        views: a `Views` layer that makes the method's views; None for the paper's.
        shuffle_target: permute the target's batch, over all devices, before its forward
            pass and put its embeddings back after, so that the batch statistics leak
            nothing (shuffle BN; He et al., MoCo, CVPR 2020, Sec. 3.3).
        **kwargs: of `SSLModel`: `momentum`, `momentum_schedule`, `total_steps`,
            `gradient_accumulation`, `seed`.
    """

    options = (
        "image_size",
        "hidden_dim",
        "embedding_dim",
        "head",
        "batch_norm",
        "gradient_accumulation",
        "channels",
        *SSLModel.options,
    )
    view_options: tuple[str, ...] = ("image_size",)  # the same for `make_views`

    def __init__(
        self,
        backbone: str | keras.layers.Layer = "resnet18",
        *,
        image_size: int = 32,
        hidden_dim: int = 2048,
        embedding_dim: int = 128,
        head: str = "plain",
        batch_norm: str = "local",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        channels: int = 3,
        views: keras.layers.Layer | None = None,
        shuffle_target: bool = False,
        **kwargs,
    ):
        image_size, hidden_dim = int(image_size), int(hidden_dim)  # Keras takes no
        embedding_dim = int(embedding_dim)  # whole numbers of NumPy
        check_choice("head", head, HEADS)
        imagenet = for_channels("imagenet", channels)
        mean = imagenet[0] if mean is None else mean
        std = imagenet[1] if std is None else std
        check_normalization(mean, std, channels)
        default = self.make_views(image_size)
        views = default if views is None else views
        check_views(views, self.needed_views(default.names))
        if isinstance(backbone, str):
            stem = "small" if image_size <= 32 else "standard"
            options = {"image_size": views.size, "stem": stem, "channels": channels}
            backbone = backbones.build(backbone, position_size=image_size, **options)
        sides = getattr(views, "sizes", {"": image_size})
        backbone = own.as_backbone(backbone, list(sides.values()), channels)
        own.warn_of_own_normalization(backbone, mean, std)
        projector = heads.projector(
            backbone.output_shape[-1],
            hidden_dim,
            embedding_dim,
            norm=batch_norm if head == "bn" else None,
        )
        encoder = Encoder(backbone, projector, mean, std, name="online")
        super().__init__(encoder, **kwargs)
        self.image_size, self.channels = image_size, channels
        self.hidden_dim = hidden_dim
        self.embedding_dim, self.head, self.batch_norm = embedding_dim, head, batch_norm
        self.shuffle_target = shuffle_target
        self.views = views
        self.pixel_range = PixelRange()

    def __init_subclass__(cls, **kwargs):
        """Let the class's `make_views` take the names of version 0.1.0, too."""
        super().__init_subclass__(**kwargs)
        if made := vars(cls).get("make_views"):
            cls.make_views = classmethod(former_names.accepted(made.__func__))

    @classmethod
    def parts_from(cls, config):
        """Build backbone and views as a `Config` describes them."""
        views = cls.configured_views(config)
        mean, std = mean_and_std(config)
        return {
            "backbone": configured_backbone.build(config, views),
            "views": views,
            "mean": mean,
            "std": std,
            "shuffle_target": config.batch_norm in ("shuffle", "split"),
        }

    @classmethod
    def configured_views(cls, config):
        """Make the views that a `Config` describes."""
        sizes = {name: getattr(config, name) for name in cls.view_options}
        return cls.make_views(**sizes, **view_strengths(config))

    @classmethod
    def check_own_backbone(cls, config):
        """Refuse a user's network that a `Config` names and that cannot be trained."""
        configured_backbone.check_own(config, cls.configured_views(config))

    def add_predictor(self, hidden_dim: int, depth: int, norm: bool) -> None:
        """Put a head behind the online network that the target does not have.

        Args:
            hidden_dim: its width; 0 for that of the projector.
            depth: its linear layers; 0 for no predictor.
            norm: whether it has batch normalisation.
        """
        self.predictor_dim, self.predictor_depth = hidden_dim, depth
        self.predictor_bn = norm
        if depth:
            self.predictor = heads.predictor(
                self.embedding_dim,
                hidden_dim or self.hidden_dim,
                depth,
                norm=self.batch_norm if norm else None,
            )

    @classmethod
    def make_views(cls, image_size: int, **strength) -> keras.layers.Layer:
        """Make the paper's views as a `Views` layer; `strength` as of `strong_view`."""
        raise NotImplementedError

    @classmethod
    def needed_views(cls, names: Sequence[str]) -> Sequence[str]:
        """Return which of the paper's views own `views` must have."""
        return names

    def call(self, images, training=False):
        """Return features of the online backbone, [batch, f], in inference mode."""
        if isinstance(images, Mapping):
            images = image_batches.raw_images(images, self.channels)
        return self.online.features(images, training=training)

    def embed_target(self, images, seed):
        """Return unit target embeddings; of a permuted batch with `shuffle_target`."""
        if not self.shuffle_target:
            return super().embed_target(images, seed)
        images = distribute.gather(images)  # [global batch, h, w, 3]
        order = permutation(images.shape[0] or tf.shape(images)[0], seed)
        keys = super().embed_target(
            tf.gather(images, distribute.local_shard(order)), seed
        )
        return tf.gather(
            distribute.gather(keys), distribute.local_shard(tf.argsort(order))
        )

    def derive_views(self, data, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Take finished views as they are; finish crops; draw views of raw images."""
        batch = inputs_of(data)
        if isinstance(batch, Mapping):
            if deferred.SEED in batch:
                return deferred.finalize(self.views, batch, distribute.replica())
            made = set(self.views.names)  # the others are mixed from them
            needed = {*self.online_views, *self.target_views} & made
            if image_batches.holds_views(batch, needed):
                self.pixel_range.note(batch[min(needed)])
                return dict(batch)
        images = image_batches.raw_images(batch, self.channels)
        self.pixel_range.note(images)
        return self.views(images, seed, shard=distribute.replica())

    def check_inputs(self):
        """Warn of images on another scale than 0..255."""
        self.pixel_range.warn()

    def predict_step(self, data):
        """Return the features of a batch as `predict` gives it."""
        images = image_batches.raw_images(inputs_of(data), self.channels)
        self.pixel_range.note(images)
        return self(images, training=False)

    def predict(self, *args, **kwargs):
        """Return features as Keras does; warn of images on another scale."""
        given = fit_arguments.by_name(keras.Model.predict, args, kwargs)
        fit_data.check_data(given.get("x"))
        features = super().predict(**given)
        self.pixel_range.warn()
        return features

    def exported_part(self):
        """Return the backbone, which `predict` needs."""
        return self.online.backbone

    def input_specs(self):
        """Return raw images, as bytes and as floats."""
        shape = [None, *self.online.backbone.input_shape[1:]]
        return [tf.TensorSpec(shape, dtype, "images") for dtype in ("uint8", "float32")]

    def get_config(self):
        """Return the constructor's arguments, as Keras saves them."""
        return {
            **super().get_config(),
            "backbone": keras.saving.serialize_keras_object(self.online.backbone),
            "views": keras.saving.serialize_keras_object(self.views),
            "mean": self.online.mean,
            "std": self.online.std,
            "shuffle_target": self.shuffle_target,
        }

    @classmethod
    def from_config(cls, config):
        """Make the model of a saved config."""
        parts = {
            key: keras.saving.deserialize_keras_object(config[key])
            for key in ("backbone", "views")
        }
        return cls(**{**config, **parts})


def view_strengths(config: Any) -> dict[str, Any]:
    """Return the arguments of `strong_view` as the flags of views have them."""
    brightness, contrast, saturation, hue = config.color_jitter
    names = ("solarize_prob", "vertical_flip_prob", "quarter_turns", "rotation")
    # Methods from outside the package may not know what a run does not ask for.
    asked_for = {n: getattr(config, n) for n in names if getattr(config, n)}
    return {
        "scale": (config.crop_scale_min, 1.0),
        "flip_prob": config.flip_prob,
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "hue": hue,
        "color_jitter_prob": config.color_jitter_prob,
        "grayscale_prob": config.grayscale_prob,
        "blur_prob": config.blur_prob,
        **asked_for,
    }
