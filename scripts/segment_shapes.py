#!/usr/bin/env python3
"""Fine-tune a small segmentation head on a pretrained pyramid, and on a random one.

    ressl-tf train --flagfile=demo.flags --stem=small_maxpool --workdir=runs/shapes
    scripts/segment_shapes.py runs/shapes --labelled=50,200

Each pixel of the embedded shapes has a class: background, or one of the ten classes.
A few pictures have masks to learn from; the rest of the network is as it was trained
without labels, or drawn anew. Of some learning rates, 200 further pictures choose one
for each. Prints a JSON line for each number of pictures: mean intersection over union
on the 1,000 test pictures.
"""

import argparse
import json

import keras
import numpy as np

import ressl_tf
from ressl_tf.data import shapes

VALIDATION = 200  # pictures, the last of the training split
BATCH = 20


def pictures(numbers):
    """Return drawings [n, 32, 32, 3] and the class of each pixel [n, 32, 32]."""
    images, labels, masks = zip(*map(shapes.draw_with_mask, numbers), strict=True)
    return np.stack(images), np.stack(masks) * (1 + np.array(labels))[:, None, None]


def segmenter(pyramid, classes):
    """Put a head on the maps: each is brought to the finest, and all are summed."""
    maps = [pyramid.output[name] for name in sorted(pyramid.output)]
    finest, size = maps[0].shape[1], pyramid.input_shape[1]
    summed = 0
    for each in maps:
        x = keras.layers.Conv2D(32, 1)(each)
        enlarged = keras.layers.UpSampling2D(finest // each.shape[1])
        summed = summed + enlarged(x)
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(summed)
    x = keras.layers.Conv2D(classes, 1)(x)
    x = keras.layers.UpSampling2D(size // finest, interpolation="bilinear")(x)
    return keras.Model(pyramid.inputs, x)


def mean_iou(model, images, truth, classes):
    """Return the mean over classes of intersection over union of their pixels."""
    found = model.predict(images, batch_size=250, verbose=0).argmax(-1)
    cells = np.bincount(classes * truth.ravel() + found.ravel(), minlength=classes**2)
    cells = cells.reshape(classes, classes)
    union = cells.sum(0) + cells.sum(1) - np.diag(cells)
    return float(np.mean(np.diag(cells) / np.maximum(union, 1)))


def fine_tune(pyramid, labelled, rate, steps, seed):
    """Train head and network on the labelled pictures; return the segmenter."""
    keras.utils.set_random_seed(seed)
    model = segmenter(pyramid, 1 + len(shapes.CLASSES))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    decay = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(decay), loss, jit_compile=False)
    epochs = -(-steps * BATCH // len(labelled[0]))
    model.fit(*labelled, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def start(workdir, seed, pretrained):
    """Return the maps of a run's network, or the same network with random weights."""
    keras.utils.set_random_seed(seed)
    pyramid = ressl_tf.feature_pyramid(workdir, image_size=shapes.SIZE)
    return pyramid if pretrained else keras.models.clone_model(pyramid)


def compare(workdir, count, rates, steps, seed):
    """Return the figures of both starts from so many labelled pictures."""
    classes, last = 1 + len(shapes.CLASSES), shapes.TRAIN_SIZE - VALIDATION
    labelled = pictures(range(seed * count, (seed + 1) * count))
    validation = pictures(range(last, shapes.TRAIN_SIZE))
    test = pictures(range(shapes.TRAIN_SIZE, shapes.TRAIN_SIZE + shapes.TEST_SIZE))
    line = {"workdir": workdir, "labelled": count, "seed": seed}
    for name in ("pretrained", "random"):
        tried = {}
        for rate in rates:
            pyramid = start(workdir, seed, name == "pretrained")
            model = fine_tune(pyramid, labelled, rate, steps, seed)
            tried[rate] = mean_iou(model, *validation, classes), model
        best = max(tried, key=lambda rate: tried[rate][0])
        line[name] = mean_iou(tried[best][1], *test, classes)
        line[f"{name}_rate"] = best
    return line


def main():
    """Read the arguments, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workdir", help="of a run on the shapes")
    parser.add_argument("--labelled", default="50,200", help="numbers of pictures")
    parser.add_argument("--rates", default="0.003,0.01", help="learning rates")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="of pictures and weights")
    given = parser.parse_args()
    rates = [float(rate) for rate in given.rates.split(",")]
    for count in map(int, given.labelled.split(",")):
        line = compare(given.workdir, count, rates, given.steps, given.seed)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
