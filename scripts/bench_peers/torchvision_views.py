"""torchvision's transforms on PIL images, as the papers' code has them."""

import importlib

import numpy as np
import torch
from PIL import Image

torch.set_num_threads(1)  # a worker a core


def _import_transforms():
    """Import torchvision.transforms, also where its C++ part does not fit torch.

    The transforms are plain Python; the import only needs the operators' names.
    """
    try:
        return importlib.import_module("torchvision.transforms")
    except RuntimeError:
        torch.library.register_fake = lambda *_, **__: lambda function: function
        return importlib.import_module("torchvision.transforms")


transforms = _import_transforms()


def load(image: np.ndarray) -> Image.Image:
    """Return the image in the form that the view takes."""
    return Image.fromarray(image)


def view(kind: str, size: int):
    """Return a function PIL image -> float32 tensor [3, size, size] on 0..1."""
    geometry = [
        transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
        transforms.RandomHorizontalFlip(),
    ]
    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    colours = [
        transforms.RandomApply([jitter], p=0.8),
        transforms.RandomGrayscale(p=0.2),
        transforms.RandomApply([_blur], p=0.5),
    ]
    chosen = {"weak": geometry, "strong": geometry + colours}[kind]
    return transforms.Compose([*chosen, transforms.ToTensor()])


def _blur(image: Image.Image) -> Image.Image:
    """Blur as MoCo v2's code does: by Pillow's approximate Gaussian."""
    from PIL import ImageFilter

    sigma = np.random.uniform(0.1, 2.0)
    return image.filter(ImageFilter.GaussianBlur(radius=sigma))
