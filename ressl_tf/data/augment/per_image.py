"""The views of one photo at a time, as it would have them in its batch.

A batch's draws are made first, for all its photos; then each is looked at by itself,
whatever its size.
"""

import tensorflow as tf

from ressl_tf.data.augment import compiled_any_size, compiled_loop
from ressl_tf.data.augment.layers import SeededAugmentation


def own_seed(seed, position):
    """Of the layer at a position of its list."""
    return tf.random.experimental.stateless_fold_in(seed, position)


def draw(geometric, photometric, batch, seed, part=None) -> dict:
    """What the layers draw for each photo of a batch.

    Args:
        geometric, photometric: the layers; the second ones among `one_by_one.PLANS`.
        batch: number of photos.
        seed: int32 [2], of the view.
        part: as `SeededAugmentation.draw` has it.

    Returns:
        name -> tensors [batch, ...], for `look` at a photo.
    """
    photos = tf.zeros([batch, 1, 1, 3])  # their number is all that counts
    drawn = {}
    if compiled_loop.is_crop(geometric):
        drawn["crop"] = geometric[0].draw(photos, own_seed(seed, 0), part)
    elif geometric:
        drawn["seeds"] = _seeds(batch, seed, part)
    if photometric:
        draws = draw_each(photometric, photos, seed, part)
        drawn["plans"] = compiled_loop.plan(photometric, draws)
    return drawn


def look(photo, geometric, photometric, drawn, compiled) -> tf.Tensor:
    """A view of one photo.

    Args:
        photo: [height, width, 3] on 0..255, uint8 or float32.
        geometric, photometric: the layers.
        drawn: the photo's part of what `draw` made.
        compiled: whether XLA compiles the crop.

    Returns:
        float32 [size, size, 3].
    """
    images = photo[None]
    drawn = tf.nest.map_structure(lambda tensor: tensor[None], drawn)
    layers = {"layers": photometric, "plans": drawn.get("plans", ())}
    if not geometric:
        return compiled_loop.paint(images, **layers)[0]
    if "seeds" in drawn:
        return move(images, geometric, drawn["seeds"][0])[0]
    (crop,) = geometric
    if not compiled:
        return crop.augment_images(tf.cast(images, tf.float32), drawn["crop"])[0]
    cut = compiled_any_size if None in photo.shape else compiled_loop
    return cut.crop(images, **crop.place(images, drawn["crop"]), **layers)[0]


def draw_each(layers: list[SeededAugmentation], images, seed, part=None) -> list:
    """What each of the layers draws for a batch."""
    return [
        layer.draw(images, own_seed(seed, position), part)
        for position, layer in enumerate(layers)
    ]


def move(images, layers, seed, part=None) -> tf.Tensor:
    """Images after geometric layers, one after another."""
    whole = {} if part is None else {"part": tf.stack(part)}
    for position, layer in enumerate(layers):
        inputs = {"images": images, "seed": own_seed(seed, position), **whole}
        images = layer(inputs)["images"]
    return images


def _seeds(batch, seed, part):
    """One for each photo, int32 [batch, 2]: its draws are of a batch of one."""
    index, parts = part or (0, 1)
    seeds = tf.random.stateless_uniform([batch * parts, 2], seed, None, None, tf.int32)
    return seeds[index * batch : (index + 1) * batch]
