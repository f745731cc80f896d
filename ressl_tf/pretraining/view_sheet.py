"""A sheet of images and of the views that a run would draw from them."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.config.preview_config import PreviewConfig
from ressl_tf.data.centre_crop import centre_crop
from ressl_tf.data.image_sides import check_image_size
from ressl_tf.data.load import open_source
from ressl_tf.data.shown_channels import shown
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import unreadable
from ressl_tf.evaluate import plots
from ressl_tf.methods.build import build_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import UsageError


def draw(config: PreviewConfig) -> dict[str, Any]:
    """Draw the sheet.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the images or the output cannot be used.
        RunError: when an image cannot be read.
    """
    path = pathlib.Path(config.output)
    plots.check_folder(path.parent)
    if path.is_dir():
        raise UsageError(f"--output must be a file. Received: {path}, a folder")
    # Of a whole set, some images are read.
    source = open_source(config, config.split, cache="none", pixels=config.pixels)
    check_image_size(source, config.image_size)
    photos = chosen_photos(source, config.images, config.seed)
    # Views come before normalisation, so that no set has to be measured for them.
    model = build_model(dataclasses.replace(config, normalization="imagenet"))
    rows = shown_rows(sheet(photos, model, config), config.rgb)
    title = f"Views of {plots.shorten(source.name, 40)}, {config.split}"
    side = 0.9 if config.image_size < plots.SMALL else 1.5
    figure = plots.image_rows(rows, len(photos), side, title)
    plots.save(figure, path)
    return {
        "path": str(path),
        "dataset": config.dataset,
        "split": config.split,
        "images": len(photos),
        "draws": config.draws,
        "views": model.views.sizes,
    }


def chosen_photos(source: Source, count: int, seed: int) -> list[tf.Tensor]:
    """Return photos, [height, width, 3] each, chosen at random by the seed.

    Raises:
        RunError: when one cannot be read.
    """
    rows = tf.range(source.size, dtype=tf.int64)
    chosen = tf.random.experimental.stateless_shuffle(rows, (seed, 0))[:count]
    for row in chosen.numpy():
        if reason := source.why_unreadable(row):
            raise unreadable(source.example_name(row), reason)
    return [source.example(row)[0] for row in chosen]


def sheet(
    photos: list[tf.Tensor], model: ImageSSL, config: PreviewConfig
) -> dict[str, np.ndarray]:
    """Return the rows of the sheet: the photos' centre crops, then every view.

    Draw d of photo p is `model.views` of the photo alone, with `draw_seed(seed, d, p)`.

    Returns:
        name -> images [photos, size, size, 3] on 0..255.
    """
    size = config.image_size
    originals = [centre_crop(photo[None], size)[0] for photo in photos]
    rows = {f"original\n{size} px": np.stack(originals)}
    drawn = [
        [
            model.views(photo[None], draw_seed(config.seed, draw, position))
            for position, photo in enumerate(photos)
        ]
        for draw in range(config.draws)
    ]
    for name, side in model.views.sizes.items():
        for draw, views in enumerate(drawn):
            label = f"{name} {draw + 1}"
            if draw == 0:
                label += f"\n{side} px\n{seen_by(model, name)}"
            rows[label] = np.concatenate([view[name] for view in views])
    return rows


def shown_rows(rows: Mapping[str, np.ndarray], rgb: str) -> dict[str, np.ndarray]:
    """Return rows of a sheet in red, green and blue, as `--rgb` says."""
    return {name: shown(images, rgb) for name, images in rows.items()}


def draw_seed(seed: int, draw: int, position: int) -> tf.Tensor:
    """Return the seed, int32 [2], of a draw of views of the photo at `position`."""
    fold = tf.random.experimental.stateless_fold_in
    return fold(fold((seed, 1), draw), position)


def seen_by(model: ImageSSL, view: str) -> str:
    """Say who is shown a view: student, teacher, both, or neither itself."""
    seen = {"student": model.online_views, "teacher": model.target_views}
    return " and ".join(who for who, names in seen.items() if view in names)
