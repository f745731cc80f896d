"""Plain NumPy renderings of torchvision's transforms, from their definitions.

One image at a time, [height, width, 3], float64 on 0..255; loops where they are
clearer. Independent of ressl_tf.
"""

import colorsys
import math

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])


def photo(seed=0, height=48, width=40):
    """Draw a smooth, colourful uint8 picture with edges, like a small photo."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    image = np.zeros((height, width, 3))
    for channel in range(3):
        for _ in range(6):
            fx, fy, phase = rng.uniform(0, 12, 3)
            image[..., channel] += rng.normal() * np.sin(fx * x + fy * y + phase)
    image[height // 4 : height // 2, width // 3 : -3] += rng.normal(size=3) * 2
    image = 128 + 60 * image + rng.normal(size=image.shape) * 4
    return np.clip(image, 0, 255).astype(np.uint8)


def photos(count, **size):
    return np.stack([photo(seed, **size) for seed in range(count)])


def grey(image):
    return image @ LUMA


def brightness(image, factor):
    return np.clip(image * factor, 0, 255)


def contrast(image, factor):
    return np.clip(factor * image + (1 - factor) * grey(image).mean(), 0, 255)


def saturation(image, factor):
    return np.clip(factor * image + (1 - factor) * grey(image)[..., None], 0, 255)


def hue(image, shift):
    out = np.empty(image.shape)
    for place in np.ndindex(image.shape[:2]):
        h, s, v = colorsys.rgb_to_hsv(*(image[place] / 255))
        out[place] = colorsys.hsv_to_rgb((h + shift) % 1.0, s, v)
    return out * 255


def grayscale(image):
    return np.repeat(grey(image)[..., None], 3, axis=2)


def solarize(image, threshold):
    return np.where(image >= threshold, 255 - image, image)


def gaussian_blur(image, sigma, radius=20):
    """Blur by a kernel so wide that its cut tail is negligible; needs radius < size."""
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(image, [(radius, radius), (radius, radius), (0, 0)], "reflect")
    height, width = image.shape[:2]
    rows = sum(k * padded[i : i + height] for i, k in enumerate(kernel))
    return sum(k * rows[:, i : i + width] for i, k in enumerate(kernel))


def resize_line(line, size, antialias=True):
    """Resample axis 0 as Pillow does: a triangle, widened when shrinking."""
    source = len(line)
    step = source / size
    reach = max(step, 1.0) if antialias else 1.0
    out = []
    for place in range(size):
        centre = (place + 0.5) * step
        first = max(0, math.floor(centre - reach + 0.5))
        last = min(source, math.floor(centre + reach + 0.5))
        weights = {
            pixel: max(0.0, 1 - abs(pixel + 0.5 - centre) / reach)
            for pixel in range(first, last)
        }
        total = sum(weight * line[pixel] for pixel, weight in weights.items())
        out.append(total / sum(weights.values()))
    return np.stack(out)


def crop_and_resize(image, box, size, antialias=True):
    top, left, height, width = (int(x) for x in box)
    part = image[top : top + height, left : left + width].astype(np.float64)
    rows = resize_line(part, size, antialias)
    return resize_line(rows.swapaxes(0, 1), size, antialias).swapaxes(0, 1)


def sample_box(rng, height, width, scale, ratio):
    """Draw as RandomResizedCrop.get_params of torchvision; also say if it gave up."""
    for _ in range(10):
        area = height * width * rng.uniform(*scale)
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
            return (top, left, h, w), False
    h, w = height, width
    if width / height < ratio[0]:
        h = round(width / ratio[0])
    elif width / height > ratio[1]:
        w = round(height * ratio[1])
    return ((height - h) // 2, (width - w) // 2, h, w), True
