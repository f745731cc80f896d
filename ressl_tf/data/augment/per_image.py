"""Per-image views, identical to those of whole-batch augmentation.

Transformations are sampled first, for all photos of a batch. Then they are applied to
each photo by itself, whatever its size.
"""

from typing import Any

import tensorflow as tf

from ressl_tf.data.augment import compiled_any_size, compiled_loop, operations, oriented
from ressl_tf.data.augment.operations import Layers
from ressl_tf.data.augment.seeded import Samples, Shard
from ressl_tf.data.augment.whole_batch import layer_seed, sample_each


def sample(
    geometric: Layers,
    photometric: Layers,
    batch: int | tf.Tensor,
    seed: tf.Tensor,
    shard: Shard | None = None,
) -> dict[str, Samples]:
    """Sample the layers' transformations for each photo of a batch.

    Args:
        geometric: the layers that make the view's size.
        photometric: the layers that keep it, all among `operations.PLANS`.
        batch: number of photos.
        seed: int32 [2], of the view.
        shard: as in `SeededAugmentation.sample`.

    Returns:
        name -> tensors [batch, ...]; `apply_to_photo` takes one photo's.
    """
    photos = tf.zeros([batch, 1, 1, 3])  # their number is all that counts
    samples, crops = {}, geometric if compiled_loop.is_single_crop(geometric) else ()
    if crops:
        samples["crop"] = geometric[0].sample(photos, layer_seed(seed, 0), shard)
    elif geometric:
        pairs = zip(geometric, sample_each(geometric, photos, seed, shard), strict=True)
        samples["layers"] = tuple(layer.per_image(sample) for layer, sample in pairs)
    each = sample_each(photometric, photos, seed, shard)
    cropped = samples.get("crop")
    if plans := operations.plan_after_crop(crops, photometric, cropped, each):
        samples["plans"] = plans
    return samples


def apply_to_photo(
    photo: tf.Tensor,
    geometric: Layers,
    photometric: Layers,
    samples: dict[str, Samples],
    compiled: bool,
    orientation: tf.Tensor | None = None,
) -> tf.Tensor:
    """Make a view of one photo.

    Args:
        photo: [height, width, 3] on 0..255, uint8 or float32.
        geometric: the layers.
        photometric: the layers.
        samples: the photo's rows of what `sample` made.
        compiled: whether XLA compiles the crop.
        orientation: of the photo, where its crop is to be turned (`turns_crops`).

    Returns:
        float32 [size, size, 3].
    """
    images = photo[None]
    samples = tf.nest.map_structure(lambda tensor: tensor[None], samples)
    if "layers" in samples:
        images = tf.cast(images, tf.float32)
        for layer, sample in zip(geometric, samples["layers"], strict=True):
            images = layer.augment_images(images, sample)
        return images[0]
    layers: dict[str, Any] = {
        "layers": operations.after_crop(geometric, photometric),
        "plans": samples.get("plans", ()),
    }
    if not geometric:
        return compiled_loop.paint(images, **layers)[0]
    (crop,) = geometric
    if not compiled:
        return crop.augment_images(tf.cast(images, tf.float32), samples["crop"])[0]
    sides = tf.shape(photo)[:2]
    if orientation is not None:
        layers |= _turned(sides, crop, samples["crop"], orientation)
        return compiled_any_size.crop(images, **layers)[0]
    cut = compiled_any_size if None in photo.shape else compiled_loop
    return cut.crop(images, **crop.place(sides, samples["crop"]), **layers)[0]


def turns_crops(photo: tf.Tensor, geometric: Layers, compiled: bool) -> bool:
    """Tell whether `apply_to_photo` takes a photo as it is stored, of any size."""
    single = compiled_loop.is_single_crop(geometric)
    return compiled and single and None in photo.shape


def _turned(
    sides: tf.Tensor, crop: Any, sample: Samples, orientation: tf.Tensor
) -> dict[str, Any]:
    """Place a box that is chosen on the photo as it is seen on it as it is stored."""
    seen = oriented.upright_sides(sides, orientation)
    placed = crop.place(seen, sample)
    where = placed["boxes"], placed["mirrored"]
    boxes, mirrored = oriented.on_stored(*where, seen, orientation)
    transposed = oriented.is_transposed(orientation)
    return {**placed, "boxes": boxes, "mirrored": mirrored, "transposed": transposed}
