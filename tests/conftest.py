"""Two logical CPUs and the fixtures that tests of several folders share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the package does

import numpy as np
import pytest
import tensorflow as tf
from helpers.commands import Commands
from helpers.graphs import planted_graph, save_graph
from helpers.models import TINY

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def mirrored():
    """Return two replicas on one CPU; a second such strategy in one process fails."""
    from ressl_tf.runtime import distribute

    return distribute.strategy("mirrored")


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    """Run `python -m ressl_tf.MODULE` without an import of TensorFlow for each."""
    made = Commands(tmp_path_factory.mktemp("commands"))
    yield made
    made.close()


@pytest.fixture
def images():
    """Return smooth colourful pictures, uint8 [12, 16, 16, 3], no two alike."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 255, (12, 4, 4, 3)).astype("float32")
    return tf.cast(tf.image.resize(coarse, (16, 16), "bicubic"), tf.uint8).numpy()


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Write 26 training and 10 test photos of two classes: reddish and bluish noise."""
    root = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for split, count in (("train", 13), ("test", 5)):
        for colour, channel in (("red", 0), ("blue", 2)):
            folder = root / split / colour
            folder.mkdir(parents=True)
            for index in range(count):
                image = generator.integers(0, 200, (16, 16, 3))
                image[..., channel] += 55
                encoded = tf.io.encode_png(tf.constant(image, tf.uint8))
                (folder / f"{index}.png").write_bytes(encoded.numpy())
    return root


@pytest.fixture(scope="session")
def unbroken(photos, tmp_path_factory):
    """Return the result and the workdir of a tiny run; not to be changed."""
    from ressl_tf.config import Config
    from ressl_tf.pretraining import pretrain as pretraining

    folder = tmp_path_factory.mktemp("unbroken") / "run"
    config = Config(**TINY, dataset=f"folder:{photos}", workdir=str(folder))
    return pretraining.pretrain(config), folder


@pytest.fixture(scope="session")
def graph_run(tmp_path_factory):
    """Return the workdir of a tiny run on a graph; not to be changed."""
    from ressl_tf.config import Config
    from ressl_tf.pretraining import pretrain as pretraining

    folder = tmp_path_factory.mktemp("graph_run")
    save_graph(planted_graph(), folder / "tiny.npz")
    config = Config(
        method="rgrl",
        dataset=f"graph:{folder}/tiny.npz",
        workdir=str(folder / "run"),
        gcn_layers=(16, 8),
        graph_sample=10,
        holdout_edges=0.1,
        epochs=3,
        warmup_epochs=0.0,
        tensorboard=False,
    )
    pretraining.pretrain(config)
    return folder / "run"
