"""The embedded data set: ten classes of shape x texture, generated, not downloaded.

Each of five shapes comes with two of five textures and each texture with two shapes,
so neither alone decides. Colour, place, size, rotation, lighting and background are
nuisance. Textures are coarse and objects large: they survive the views' blur.
"""

import functools
import math

import numpy as np
import tensorflow_datasets as tfds

from ressl_tf.data.augment.color import GREY_WEIGHTS

SIZE = 32  # pixels
OVERSAMPLING = 3  # masks are drawn at 96 pixels and box-averaged: anti-aliasing
TRAIN_SIZE, TEST_SIZE = 5000, 1000
SHAPES = ("disc", "cross", "square", "ring", "triangle")  # unlike their neighbours
TEXTURES = ("solid", "stripes", "checker", "dots", "bullseye")
CLASSES = tuple((s, (s + k) % 5) for k in range(2) for s in range(5))
CLASS_NAMES = tuple(f"{TEXTURES[t]}_{SHAPES[s]}" for s, t in CLASSES)


class ResslShapes(tfds.core.GeneratorBasedBuilder):
    """TFDS builder of 5,000 + 1,000 labelled 32 x 32 RGB drawings; needs no network."""

    name = "ressl_shapes"
    VERSION = tfds.core.Version("1.1.0")
    code_path = None  # no checksums beside the code; its look-up needs one more package

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(SIZE, SIZE, 3)),
                "label": tfds.features.ClassLabel(names=CLASS_NAMES),
            }
        )
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=features,
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(0, TRAIN_SIZE),
            "test": self._generate_examples(TRAIN_SIZE, TRAIN_SIZE + TEST_SIZE),
        }

    def _generate_examples(self, first: int, last: int):
        for index in range(first, last):
            image, label = draw_example(index)
            yield index, {"image": image, "label": label}


def draw_example(index: int) -> tuple[np.ndarray, int]:
    """Draw example `index`: (uint8 [32, 32, 3], label). A pure function of `index`."""
    return draw_with_mask(index)[:2]


def draw_with_mask(index: int) -> tuple[np.ndarray, int, np.ndarray]:
    """Draw an example and the pixels of its shape.

    Returns:
        Image and label of `draw_example`, and a mask, bool [32, 32]: pixels that the
        shape covers by half or more.
    """
    rng = np.random.default_rng((20210720, index))
    label = index % len(CLASSES)
    shape, texture = CLASSES[label]
    x, y = _grid(SIZE * OVERSAMPLING)
    background, dark, light = _colours(rng)  # [3] each
    centre = rng.uniform(-3.5, 3.5, 2).tolist()  # floats keep the masks float32
    radius = rng.uniform(10.0, 14.0)
    inside = _inside(shape, *_turn(x - centre[0], y - centre[1], rng), radius)
    pattern = _pattern(texture, x - centre[0], y - centre[1], rng)
    bright, dim = _coverage(inside & pattern), _coverage(inside & ~pattern)
    image = _backdrop(background, rng) * (1 - bright - dim) + light * bright
    image = (image + dark * dim) * _lighting(rng)
    image += rng.normal(0, 4, image.shape)
    mask = (bright + dim)[..., 0] >= 0.5
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), label, mask


@functools.cache
def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of side x side samples, in image pixels from the middle."""
    axis = ((np.arange(side) + 0.5) * SIZE / side - SIZE / 2).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    return x, y  # [side, side] each


def _coverage(mask: np.ndarray) -> np.ndarray:
    """Return the fraction of each pixel that the fine mask covers: [32, 32, 1]."""
    blocks = mask.reshape(SIZE, OVERSAMPLING, SIZE, OVERSAMPLING)
    return blocks.mean((1, 3), dtype=np.float32)[..., None]


def _turn(x, y, rng) -> tuple[np.ndarray, np.ndarray]:
    angle = rng.uniform(0, 2 * math.pi)
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def _inside(shape: int, x, y, radius: float) -> np.ndarray:
    """Return the mask of a shape of the given radius (pixels) about the origin."""
    if SHAPES[shape] == "disc":
        return x**2 + y**2 < (0.92 * radius) ** 2
    if SHAPES[shape] == "square":
        return np.maximum(abs(x), abs(y)) < 0.82 * radius
    if SHAPES[shape] == "triangle":
        slanted = 0.866 * abs(x) + 0.5 * y
        return np.maximum(slanted, -y) < 0.62 * radius
    if SHAPES[shape] == "ring":
        return abs(np.hypot(x, y) - 0.75 * radius) < 0.3 * radius
    wide, narrow = np.maximum(abs(x), abs(y)), np.minimum(abs(x), abs(y))
    return (wide < 1.05 * radius) & (narrow < 0.36 * radius)


def _pattern(texture: int, x, y, rng) -> np.ndarray:
    """Return where a texture is light; periods of 8 pixels outlive a blur of 2."""
    period = rng.uniform(8.0, 10.0)
    u, v = _turn(x, y, rng)
    phase = rng.uniform(0, 2 * math.pi, 2).tolist()
    if TEXTURES[texture] == "solid":
        return np.full(x.shape, phase[0] < math.pi)
    if TEXTURES[texture] == "bullseye":
        return np.sin(2 * math.pi / period * np.hypot(x, y) + phase[0]) > 0
    wave_u = np.sin(2 * math.pi / period * u + phase[0])
    wave_v = np.sin(2 * math.pi / period * v + phase[1])
    if TEXTURES[texture] == "stripes":
        return wave_u > 0
    if TEXTURES[texture] == "checker":
        return wave_u * wave_v > 0
    return wave_u + wave_v > 0.75  # dots


def _colours(rng) -> list[np.ndarray]:
    """Draw three RGB colours whose greys differ by 50 levels or more."""
    gaps = rng.uniform(50, 75, 2)
    first = rng.uniform(35, 220 - gaps.sum())
    greys = rng.permutation([first, first + gaps[0], first + gaps.sum()])
    chroma = rng.uniform(-70, 70, (3, 3))
    chroma -= (chroma @ GREY_WEIGHTS)[:, None]  # leaves the grey as it is
    return list(greys[:, None] + chroma)


def _backdrop(colour: np.ndarray, rng) -> np.ndarray:
    """Overlay the colour with three slow waves of up to 12 levels: [32, 32, 3]."""
    backdrop = np.broadcast_to(colour, (SIZE, SIZE, 3))
    for gains in rng.uniform(-12, 12, (3, 3)):
        u, _ = _turn(*_grid(SIZE), rng)
        wave = np.sin(u * rng.uniform(0.1, 0.35) + rng.uniform(0, 2 * math.pi))
        backdrop = backdrop + wave[..., None] * gains
    return backdrop


def _lighting(rng) -> np.ndarray:
    """Draw a linear ramp of brightness across the image, up to 25 %: [32, 32, 1]."""
    slope_x, slope_y = rng.uniform(-0.17, 0.17, 2)
    ramp = np.linspace(-1, 1, SIZE)
    return (1 + slope_x * ramp[None, :] + slope_y * ramp[:, None])[..., None]
