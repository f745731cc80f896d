#!/usr/bin/env python3
"""Draw pictures of several shapes, and list which: a set of several labels an image.

    scripts/draw_several.py several --train=500 --test=200

Each is 64 x 64 pixels, up to four of the embedded shapes, one in a corner. The folder
gets the PNG files and list.csv with the columns path, labels and split. The classes are
the five shapes; a shape is in a corner with probability .4.
"""

import argparse
import csv
import pathlib

import numpy as np
import tensorflow as tf

from ressl_tf.data.shapes import CLASSES, SHAPES, SIZE, draw_example

CORNERS = [(0, 0), (0, SIZE), (SIZE, 0), (SIZE, SIZE)]
FILLED = 0.4  # of the corners


def draw(number: int) -> tuple[np.ndarray, list[str]]:
    """Draw a picture, uint8 [64, 64, 3], and return the shapes that are in it.

    A pure function of its number.
    """
    generator = np.random.default_rng((20211206, number))
    picture = np.full((2 * SIZE, 2 * SIZE, 3), 128.0)
    picture += generator.normal(0, 4, picture.shape)
    shown = set()
    for y, x in CORNERS:
        if generator.random() < FILLED:
            image, label = draw_example(int(generator.integers(2**31)))
            picture[y : y + SIZE, x : x + SIZE] = image
            shown.add(SHAPES[CLASSES[label][0]])
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), sorted(shown)


def write(folder: pathlib.Path, train: int, test: int) -> pathlib.Path:
    """Write so many pictures of both splits, and return the path of their list."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "list.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "labels", "split"])
        for number in range(train + test):
            picture, shown = draw(number)
            name = f"{number:06d}.png"
            (folder / name).write_bytes(tf.io.encode_png(picture).numpy())
            split = "train" if number < train else "test"
            rows.writerow([name, ";".join(shown), split])
    return folder / "list.csv"


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=500)
    parser.add_argument("--test", type=int, default=200)
    given = parser.parse_args()
    print(write(given.folder, given.train, given.test))


if __name__ == "__main__":
    main()
