"""Write one of everything that the package stores, for tests of later versions.

    python tests/formats/write.py tests/formats/0.1.0.tar.xz

Runs the command lines of the version that is installed, in an empty folder, on photos
and a graph that it makes itself, and packs what they leave behind. `expected.npz` holds
what the trained models answered then. `tests/saving/test_formats.py` opens the archive
with today's code.
"""

import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

IMAGES = [
    *("--image_size=16", "--width=0.0625", "--hidden_dim=16", "--embedding_dim=8"),
    *("--queue_size=30", "--batch_size=8", "--epochs=3", "--warmup_epochs=1"),
    *("--knn_every=2", "--knn_k=5", "--keep_checkpoints=1", "--notensorboard"),
    "--dataset=folder:photos",
]
GRAPHS = [
    *("--method=rgrl", "--dataset=graph:tiny.npz", "--gcn_layers=16,8"),
    *("--graph_sample=10", "--holdout_edges=0.1", "--epochs=3", "--warmup_epochs=0"),
    *("--optimizer=adamw", "--learning_rate=0.001", "--keep_checkpoints=1"),
    *("--log_every=1", "--notensorboard"),
]


def main(archive: str) -> None:
    """Write everything into a temporary folder and pack it."""
    archive = os.path.abspath(archive)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_photos()
        make_graph()
        results = {name: run(*command) for name, command in COMMANDS.items()}
        pathlib.Path("results.json").write_text(json.dumps(results, indent=1))
        save_methods()
        leave_out()
        with tarfile.open(archive, "w:xz") as packed:
            for path in sorted(pathlib.Path().iterdir()):
                packed.add(path)


COMMANDS = {
    "whole": ("train", *IMAGES, "--workdir=whole"),
    "broken": ("train", *IMAGES, "--workdir=broken", "--max_steps=4"),
    "graph": ("train", *GRAPHS, "--workdir=graph"),
    "graph_broken": ("train", *GRAPHS, "--workdir=graph_broken", "--max_steps=2"),
    "knn": ("knn", "--workdir=whole"),
    "linear": ("linear", "--workdir=whole", "--epochs=2", "--notensorboard"),
    "finetune": ("finetune", "--workdir=whole", "--epochs=2", "--notensorboard"),
    "export": (
        *("export", "--workdir=whole", "--output=exported"),
        "--outputs=features,embeddings",
    ),
    "export_keras": (
        *("export", "--workdir=whole", "--output=encoder.keras", "--format=keras"),
    ),
    "export_classifier": (
        *("export", "--workdir=whole/finetune-1-seed0", "--output=classifier"),
    ),
    "export_graph": ("export", "--workdir=graph", "--output=exported_gcn"),
    "cached": (
        *("train", *IMAGES, "--workdir=cached", "--cache=disk", "--cache_dir=cache"),
        "--max_steps=3",
    ),
    "sweep": (
        *("sweep", *IMAGES, "--grid=teacher_temp=.03,.05", "--max_steps=3"),
        "--output=sweep",
    ),
}


def run(command: str, *flags: str) -> dict:
    """Run a command line; return its last line of output."""
    line = [sys.executable, "-m", f"ressl_tf.{command}", *flags]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def photos() -> np.ndarray:
    """Noise images, reddish and bluish in turn: uint8 [36, 16, 16, 3]."""
    images = np.random.default_rng(0).integers(0, 200, (36, 16, 16, 3))
    images[::2, ..., 0] += 55
    images[1::2, ..., 2] += 55
    return images.astype(np.uint8)


def make_photos() -> None:
    """Write 26 training and 10 test photos of two classes as PNG files."""
    import tensorflow as tf

    for index, image in enumerate(photos()):
        split = "train" if index < 26 else "test"
        folder = pathlib.Path("photos", split, ("red", "blue")[index % 2])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{index}.png").write_bytes(tf.io.encode_png(image).numpy())


def make_graph() -> None:
    """Write a graph of 60 nodes in the layout of the gnn-benchmark collection."""
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    likely = np.where(labels[:, None] == labels, 0.3, 0.02)
    upper = np.triu(generator.random((60, 60)) < likely, 1)
    linked = upper | upper.T
    degrees = linked.sum(axis=1)
    features = generator.random((60, 12)) < np.where(
        np.arange(12) % 3 == labels[:, None], 0.5, 0.2
    )
    np.savez(
        "tiny.npz",
        adj_data=np.ones(degrees.sum(), np.float32),
        adj_indices=np.nonzero(linked)[1],
        adj_indptr=np.concatenate([[0], np.cumsum(degrees)]),
        adj_shape=np.array([60, 60]),
        attr_matrix=features.astype(np.float32),
        labels=labels,
    )


def tiny_backbone():
    """Return two convolutions with the package's batch normalisation."""
    import keras

    import ressl_tf

    layers = [keras.Input((16, 16, 3))]
    for index in (1, 2):
        layers.append(keras.layers.Conv2D(8, 3, 2, use_bias=False, name=f"c{index}"))
        layers.append(ressl_tf.BatchNormalization("local", name=f"bn{index}"))
        layers.append(keras.layers.ReLU())
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()])


def leave_out() -> None:
    """Remove what no test needs: pictures, and checkpoints of what is finished."""
    finished = ("cached", "sweep", "whole/linear", "whole/finetune-1-seed0")
    for path in pathlib.Path().rglob("*"):
        checkpoint = path.suffix == ".npz" and path.parent.name == "checkpoints"
        if (path.suffix == ".png" and path.parts[0] != "photos") or (
            checkpoint and path.as_posix().startswith(finished)
        ):
            path.unlink()


def save_methods() -> None:
    """Save a method of each kind by Keras, and what all saved models answer."""
    import keras
    import tensorflow as tf

    import ressl_tf

    images = photos()
    expected = {}
    keras.utils.set_random_seed(0)
    for name in ("ReSSL", "ReCo", "RSA"):
        options = {"queue_size": 30} if name != "RSA" else {"total_steps": 9}
        model = getattr(ressl_tf, name)(
            tiny_backbone(),
            **{"image_size": 16, "hidden_dim": 16, "embedding_dim": 8, **options},
        )
        model.compile(ressl_tf.SGD(ressl_tf.WarmupCosine(0.06, 1, 9)))
        model.fit(images, batch_size=9, epochs=1, verbose=0)
        model.save(f"{name}.keras")
        expected[name] = model.predict(images, verbose=0)
    graph = ressl_tf.Graph.from_npz("tiny.npz")
    rgrl = ressl_tf.RGRL(graph.num_features, gcn_layers=(16, 8), graph_sample=10)
    rgrl.compile(ressl_tf.AdamW(0.001, weight_decay=1e-5))
    rgrl.fit(graph, epochs=2, verbose=0)
    rgrl.save("RGRL.keras")
    expected["RGRL"] = rgrl(graph.inputs).numpy()
    whole = ressl_tf.open_pretrained("whole").encoder
    expected["whole"] = whole.features(images).numpy()
    expected["whole_embeddings"] = whole(images).numpy()
    classifier = tf.saved_model.load("classifier")
    expected["classifier"] = classifier.serve(images)["probabilities"].numpy()
    exported = tf.saved_model.load("exported_gcn")
    expected["graph"] = exported.serve(**graph.inputs)["embeddings"].numpy()
    np.savez("expected.npz", **expected)


if __name__ == "__main__":
    main(*sys.argv[1:])
