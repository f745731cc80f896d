"""OpenCV on uint8, as fast pipelines of NumPy images do it."""

from collections.abc import Callable

import cv2
import draws
import numpy as np

cv2.setNumThreads(1)  # a worker a core


def load(image: np.ndarray) -> np.ndarray:
    """Return the image in the form that the view takes."""
    return image


def view(kind: str, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function uint8 [height, width, 3] -> float32 [size, size, 3] on 0..1."""
    return {"weak": Weak, "strong": Strong}[kind](size)


class Weak:
    """Crop and flip.

    Args:
        size: Side in pixels.
    """

    def __init__(self, size: int):
        self.size = size

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the view of an image."""
        return self.crop(image).astype(np.float32) * np.float32(1 / 255)

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return a crop, perhaps mirrored; areas are averaged where it shrinks."""
        top, left, height, width = draws.crop_box(*image.shape[:2])
        box = image[top : top + height, left : left + width]
        shrinks = max(height, width) > self.size
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        resized = cv2.resize(box, (self.size, self.size), interpolation=how)
        return cv2.flip(resized, 1) if draws.chance(0.5) else resized


class Strong(Weak):
    """Crop, flip, jitter, grey, blur."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the view of an image."""
        image = self.crop(image)
        for name, factor in draws.jitter() or ():
            image = CHANGES[name](image, factor)
        if draws.chance(0.2):
            image = _three(_grey(image))
        if draws.chance(0.5):
            image = cv2.GaussianBlur(image, (13, 13), draws.sigma())
        return image.astype(np.float32) * np.float32(1 / 255)


def _grey(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _three(grey):
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def _brightness(image, factor):
    return cv2.convertScaleAbs(image, alpha=factor)


def _contrast(image, factor):
    mean = float(_grey(image).mean())
    levels = np.arange(256, dtype=np.float32) * factor + (1 - factor) * mean
    return cv2.LUT(image, levels.clip(0, 255).astype(np.uint8))


def _saturation(image, factor):
    return cv2.addWeighted(image, factor, _three(_grey(image)), 1 - factor, 0)


def _hue(image, shift):
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)  # hue 0..179
    turned = (np.arange(256) + round(180 * shift)) % 180
    hsv[..., 0] = cv2.LUT(hsv[..., 0], turned.astype(np.uint8))
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


CHANGES = {
    "brightness": _brightness,
    "contrast": _contrast,
    "saturation": _saturation,
    "hue": _hue,
}
