"""The random draws of the views, for libraries that have none of their own."""

import math

import numpy as np


def crop_box(height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height, width, as torchvision's RandomResizedCrop(scale .2 to 1)."""
    for _ in range(10):
        area = height * width * np.random.uniform(0.2, 1.0)
        aspect = math.exp(np.random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top = np.random.randint(height - h + 1)
            return top, np.random.randint(width - w + 1), h, w
    return 0, 0, height, width


def jitter() -> list[tuple[str, float]] | None:
    """The four operations of ColorJitter(.4, .4, .4, .1) in their order, p .8."""
    if np.random.rand() >= 0.8:
        return None
    low_high = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
    steps = [(name, np.random.uniform(1 - b, 1 + b)) for name, b in low_high.items()]
    steps.append(("hue", np.random.uniform(-0.1, 0.1)))
    np.random.shuffle(order := list(range(4)))
    return [steps[place] for place in order]


def chance(p: float) -> bool:
    """True with probability p."""
    return np.random.rand() < p


def sigma() -> float:
    """Of the blur, in pixels."""
    return np.random.uniform(0.1, 2.0)
