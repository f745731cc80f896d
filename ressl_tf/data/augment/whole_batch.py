"""Whole-batch views: all images of a batch go through a view together."""

from collections.abc import Sequence

import tensorflow as tf

from ressl_tf.data.augment import compiled_loop, operations
from ressl_tf.data.augment.operations import Layers
from ressl_tf.data.augment.seeded import Samples, Shard, to_images, to_planes


def apply(
    images: tf.Tensor,
    geometric: Layers,
    photometric: Layers,
    seed: tf.Tensor,
    shard: Shard | None = None,
    compiled: bool = False,
) -> tf.Tensor:
    """Make a view of a batch.

    Args:
        images: [batch, height, width, 3] on 0..255, uint8 or float32.
        geometric: the layers that make the view's size.
        photometric: the layers that keep it.
        seed: int32 [2], of the view.
        shard: as in `SeededAugmentation.sample`.
        compiled: whether to use the compiled loop where it supports the layers.

    Returns:
        float32 [batch, size, size, 3].
    """
    if compiled and compiled_loop.supports_images(images, geometric, photometric):
        return _compiled(images, geometric, photometric, seed, shard)
    crops = _apply_geometric(images, geometric, seed, shard)
    return _apply_photometric(crops, photometric, seed, shard)


def layer_seed(seed: tf.Tensor, position: int) -> tf.Tensor:
    """Derive the seed of the layer at a position of its list."""
    return tf.random.experimental.stateless_fold_in(seed, position)


def sample_each(
    layers: Layers, images: tf.Tensor, seed: tf.Tensor, shard: Shard | None = None
) -> Sequence[Samples]:
    """Sample each layer's transformations of a batch."""
    return [
        layer.sample(images, layer_seed(seed, position), shard)
        for position, layer in enumerate(layers)
    ]


def _apply_geometric(
    images: tf.Tensor, layers: Layers, seed: tf.Tensor, shard: Shard | None = None
) -> tf.Tensor:
    """Apply geometric layers to images, one after another."""
    whole = {} if shard is None else {"shard": tf.stack(shard)}
    for position, layer in enumerate(layers):
        inputs = {"images": images, "seed": layer_seed(seed, position), **whole}
        images = layer(inputs)["images"]
    return images


def _apply_photometric(
    images: tf.Tensor, layers: Layers, seed: tf.Tensor, shard: Shard | None
) -> tf.Tensor:
    """Apply photometric layers without going back to pixel triples in between."""
    if not layers:
        return images
    planes = to_planes(images)
    samples = sample_each(layers, planes, seed, shard)
    for layer, sample in zip(layers, samples, strict=True):
        planes = layer.augment_planes(planes, sample)
    return to_images(planes)


@tf.autograph.experimental.do_not_convert  # slow, for nothing
def _compiled(
    images: tf.Tensor,
    geometric: Layers,
    photometric: Layers,
    seed: tf.Tensor,
    shard: Shard | None,
) -> tf.Tensor:
    """Make a view in one loop over the images, with the samples of its layers."""
    samples = sample_each(photometric, images, seed, shard)
    if not geometric:
        plans = operations.plan(photometric, samples)
        return compiled_loop.paint(images, photometric, plans)
    (crop,) = geometric
    sample = crop.sample(images, layer_seed(seed, 0), shard)
    plans = operations.plan_after_crop(geometric, photometric, sample, samples)
    layers = operations.after_crop(geometric, photometric)
    placed = crop.place(tf.shape(images)[1:3], sample)
    return compiled_loop.crop(images, **placed, layers=layers, plans=plans)
