"""Two logical CPUs, one mirrored strategy, one tiny model for all tests."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import forking
import keras
import numpy as np
import pytest
import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)

TINY = {
    "image_size": 16,
    "width": 1 / 16,
    "stem": "standard",
    "hidden_dim": 16,
    "embedding_dim": 8,
    "queue_size": 30,
    "batch_size": 8,
    "epochs": 3,
    "warmup_epochs": 1.0,
    "knn_every": 2,
    "knn_k": 5,
}


@pytest.fixture(scope="session")
def mirrored():
    """Two replicas on one CPU; a second such strategy in one process fails."""
    from ressl_tf.runtime import distribute

    return distribute.strategy("mirrored")


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    """Runs `python -m ressl_tf.MODULE` without an import of TensorFlow for each."""
    made = forking.Commands(tmp_path_factory.mktemp("commands"))
    yield made
    made.close()


@pytest.fixture
def images():
    """Smooth colourful pictures, uint8 [12, 16, 16, 3], no two alike."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 255, (12, 4, 4, 3)).astype("float32")
    return tf.cast(tf.image.resize(coarse, (16, 16), "bicubic"), tf.uint8).numpy()


def tiny_backbone(batch_norm="local", size=16):
    """Two convolutions with batch normalisation: quick to trace."""
    from ressl_tf.models.backbones.batch_norm import BatchNormalization

    layers = [keras.Input((size, size, 3))]
    for i in (1, 2):
        layers.append(keras.layers.Conv2D(8, 3, 2, use_bias=False, name=f"conv{i}"))
        layers.append(BatchNormalization(batch_norm, name=f"bn{i}"))
        layers.append(keras.layers.ReLU())
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()])


def crops():
    """Two crops as views: without the colours of the strong one, quick to trace."""
    from ressl_tf.data.augment.views import Views, weak_view

    return Views({"strong": weak_view(16), "weak": weak_view(16)})


def tiny_model(batch_norm="local", **options):
    """A ReSSL model small enough for a test, compiled; the same at every call."""
    from ressl_tf.engine.optimizers import SGD
    from ressl_tf.methods.ressl import ReSSL

    keras.utils.set_random_seed(1)
    defaults = {"image_size": 16, "hidden_dim": 8, "embedding_dim": 6, "queue_size": 10}
    defaults["views"] = crops()
    model = ReSSL(tiny_backbone(batch_norm), **{**defaults, **options})
    model.compile(SGD(0.1))
    return model


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """26 training and 10 test photos of two classes: reddish and bluish noise."""
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
    """The result and the workdir of a tiny run; not to be changed."""
    from ressl_tf.config import Config
    from ressl_tf.pretraining import pretrain as pretraining

    folder = tmp_path_factory.mktemp("unbroken") / "run"
    config = Config(**TINY, dataset=f"folder:{photos}", workdir=str(folder))
    return pretraining.pretrain(config), folder


def planted_graph(nodes=60, features=12, classes=3):
    """Nodes of a class are joined more often and share some of the features."""
    from ressl_tf.graphs.graph import Graph

    generator = np.random.default_rng(0)
    labels = np.arange(nodes) % classes
    likely = np.where(labels[:, None] == labels, 0.3, 0.02)
    edges = np.argwhere(np.triu(generator.random((nodes, nodes)) < likely, 1))
    own = np.arange(features) % classes == labels[:, None]
    values = generator.random((nodes, features)) < np.where(own, 0.5, 0.2)
    return Graph.from_edges(values, edges, labels, "abc")


def save_graph(graph, path):
    """In the layout of the gnn-benchmark collection, with dense features."""
    starts = np.concatenate([[0], np.cumsum(graph.degrees)])
    np.savez(
        path,
        adj_data=np.ones(len(graph.edges), np.float32),
        adj_indices=graph.edges[:, 1],
        adj_indptr=starts,
        adj_shape=np.array([graph.num_nodes] * 2),
        attr_matrix=graph.features,
        **({} if graph.labels is None else {"labels": graph.labels}),
    )


@pytest.fixture(scope="session")
def graph_run(tmp_path_factory):
    """The workdir of a tiny run on a graph; not to be changed."""
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
