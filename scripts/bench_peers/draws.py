"""Random parameters of the views, for libraries that do not draw them."""

import math

import numpy as np


def crop_box(height: int, width: int) -> tuple[int, int, int, int]:
    """Draw top, left, height, width as torchvision's RandomResizedCrop(.2 to 1)."""
    for _ in range(10):
        area = height * width * np.random.uniform(0.2, 1.0)
        aspect = math.exp(np.random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top = np.random.randint(height - h + 1)
            return top, np.random.randint(width - w + 1), h, w
    return 0, 0, height, width


def jitter() -> list[tuple[str, float]] | None:
    """Draw the four operations of ColorJitter(.4, .4, .4, .1) in an order, p .8."""
    if np.random.rand() >= 0.8:
        return None
    low_high = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
    steps = [(name, np.random.uniform(1 - b, 1 + b)) for name, b in low_high.items()]
    steps.append(("hue", np.random.uniform(-0.1, 0.1)))
    np.random.shuffle(order := list(range(4)))
    return [steps[place] for place in order]


def chance(p: float) -> bool:
    """Return True with probability p."""
    return np.random.rand() < p


def sigma() -> float:
    """Draw the sigma of the blur, in pixels."""
    return np.random.uniform(0.1, 2.0)
