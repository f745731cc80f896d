"""Pillow alone: what torchvision does to PIL images, operation by operation."""

from collections.abc import Callable

import draws
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

ENHANCE = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}


def load(image: np.ndarray) -> Image.Image:
    """Return the image in the form that the view takes."""
    return Image.fromarray(image)


def view(kind: str, size: int) -> Callable[[Image.Image], np.ndarray]:
    """Return a function image -> float32 [3, size, size] on 0..1."""
    return {"weak": Weak, "strong": Strong}[kind](size)


class Weak:
    """Crop and flip.

    Args:
        size: Side in pixels.
    """

    def __init__(self, size: int):
        self.size = size

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Return the view of an image."""
        return _array(self.crop(image))

    def crop(self, image: Image.Image) -> Image.Image:
        """Return a crop, perhaps mirrored."""
        top, left, height, width = draws.crop_box(image.height, image.width)
        image = image.crop((left, top, left + width, top + height))
        image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        if draws.chance(0.5):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return image


class Strong(Weak):
    """Crop, flip, jitter, grey, blur."""

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Return the view of an image."""
        image = self.crop(image)
        for name, factor in draws.jitter() or ():
            change = _turn_hue if name == "hue" else _enhance
            image = change(image, name, factor)
        if draws.chance(0.2):
            image = image.convert("L").convert("RGB")
        if draws.chance(0.5):
            image = image.filter(ImageFilter.GaussianBlur(draws.sigma()))
        return _array(image)


def _enhance(image, name, factor):
    return ENHANCE[name](image).enhance(factor)


def _turn_hue(image, _, shift):
    hue, saturation, value = image.convert("HSV").split()
    turned = np.asarray(hue) + np.uint8(int(shift * 255) % 256)
    hsv = (Image.fromarray(turned), saturation, value)
    return Image.merge("HSV", hsv).convert("RGB")


def _array(image):
    array = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(array.transpose(2, 0, 1))
