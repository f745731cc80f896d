"""torchvision's transforms on PIL images, as the papers' code has them."""

import importlib

import numpy as np
import torch
from PIL import Image

torch.set_num_threads(1)  # a worker a core


def _import_transforms():
    """torchvision.transforms, also where its C++ part does not fit torch.

    The transforms are plain Python; the import only wants the operators' names.
    """
    try:
        return importlib.import_module("torchvision.transforms")
    except RuntimeError:
        torch.library.register_fake = lambda *_, **__: lambda function: function
        return importlib.import_module("torchvision.transforms")


transforms = _import_transforms()


def load(image: np.ndarray) -> Image.Image:
    """The form that the view takes."""
    return Image.fromarray(image)


def view(kind: str, size: int):
    """PIL image -> float32 tensor [3, size, size] on 0..1."""
    moved = [
        transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
        transforms.RandomHorizontalFlip(),
    ]
    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    painted = [
        transforms.RandomApply([jitter], p=0.8),
        transforms.RandomGrayscale(p=0.2),
        transforms.RandomApply([_blur], p=0.5),
    ]
    chosen = {"weak": moved, "strong": moved + painted}[kind]
    return transforms.Compose([*chosen, transforms.ToTensor()])


def _blur(image: Image.Image) -> Image.Image:
    """As MoCo v2's code blurs: by Pillow's approximate Gaussian."""
    from PIL import ImageFilter

    sigma = np.random.uniform(0.1, 2.0)
    return image.filter(ImageFilter.GaussianBlur(radius=sigma))
