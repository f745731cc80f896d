"""A user's whole way on a TFDS data set: every command in a process of its own."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

CLASSES = ["red", "green", "blue"]
TINY = """
--dataset=ressl_colours
--image_size=16
--normalization=cifar10
--width=0.0625
--stem=small_maxpool
--hidden_dim=32
--embedding_dim=16
--queue_size=128
--color_jitter=0.1,0.1,0.1,0.01
--grayscale_prob=0
--epochs=4
--warmup_epochs=1
--batch_size=16
--knn_k=10
--knn_every=0
"""
# Imports nothing of the package, as a downstream user's program would.
DOWNSTREAM = """
import json, sys
sys.modules["ressl_tf"] = sys.modules["keras_cv"] = None  # importing them fails
import numpy as np
import tensorflow as tf
folder, data = sys.argv[1:]
arrays = np.load(data)
images, labels = arrays["images"], arrays["labels"]
model = tf.saved_model.load(folder)
features = model.serve(tf.constant(images))["features"]
head = tf.Variable(tf.zeros([features.shape[1], 3]))
losses = []
for step in range(50):
    with tf.GradientTape() as tape:
        logits = model.train(tf.constant(images))["features"] @ head
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    variables = [*model.trainable_variables, head]
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        variable.assign_sub(0.05 * gradient)
    losses.append(float(loss))
print(json.dumps({"features": features.numpy().tolist(), "losses": losses}))
"""


def colours(count, seed):
    """Yield noise that leans to the colour of its class: {"image", "label"} of each."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 160, (count, 16, 16, 3))
    labels = np.arange(count) % 3
    images[np.arange(count), :, :, labels] += 60
    return images.astype(np.uint8), labels


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    splits = {}
    for seed, (split, count) in enumerate([("train", 300), ("test", 60)]):
        images, labels = colours(count, seed)
        examples = {"image": images, "label": labels}
        splits[split] = tf.data.Dataset.from_tensor_slices(examples)
    features = {
        "image": tfds.features.Image(shape=(16, 16, 3)),
        "label": tfds.features.ClassLabel(names=CLASSES),
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name="ressl_colours",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets=splits,
        data_dir=folder,
    )
    return folder


@pytest.mark.slow
def test_pretrain_judge_export_and_fine_tune(commands, data_dir, tmp_path):
    def command(module, *flags):
        status, out, err = commands.run(module, *flags)
        assert status == 0, err
        (line,) = out.splitlines()
        return json.loads(line)

    run, exported = tmp_path / "run", tmp_path / "exported"
    (tmp_path / "tiny.flags").write_text(TINY)
    pretrained = command(
        "train",
        f"--flagfile={tmp_path}/tiny.flags",
        f"--data_dir={data_dir}",
        f"--workdir={run}",
    )
    assert pretrained["steps"] == 4 * (300 // 16)

    near = command("knn", f"--workdir={run}", "--knn_k=10,20")
    assert near["top1"] == near["grid"][0]["top1"] > 0.6  # chance is 0.33
    probe = command("linear", f"--workdir={run}", "--solver=lbfgs")
    assert probe["linear_top1"] > 0.6
    sgd = ["--epochs=3", "--batch_size=32", "--learning_rate=5"]
    assert command("linear", f"--workdir={run}", *sgd)["steps"] == 3 * (300 // 32)

    written = command("export", f"--workdir={run}", f"--output={exported}")
    assert written["feature_dim"] == near["feature_dim"]
    assert command(
        "knn", f"--model={exported}", "--knn_k=10", f"--output={tmp_path}/k"
    )["top1"] == pytest.approx(near["top1"])
    _check_downstream(exported, run, tmp_path)

    few = ["--label_fraction=0.1", "--epochs=10", "--batch_size=10"]
    tuned = command("finetune", f"--model={exported}", *few, f"--output={tmp_path}/ft")
    assert (tuned["train_images"], tuned["steps"]) == (30, 30)
    assert tuned["finetune_top1"] > 0.6
    classifier = command(
        "export", f"--workdir={tmp_path}/ft", f"--output={tmp_path}/classifier"
    )
    loaded = tf.saved_model.load(str(tmp_path / "classifier"))
    images, labels = colours(60, seed=1)
    answers = loaded.serve(tf.constant(images))["probabilities"].numpy().argmax(axis=1)
    assert np.mean(answers == labels) == pytest.approx(tuned["finetune_top1"])
    assert classifier["outputs"]["probabilities"] == 3


def _check_downstream(exported, run, tmp_path):
    """Check that a process without the package gets the same features and learns."""
    from ressl_tf.saving.pretrained import open_pretrained

    images, labels = colours(60, seed=2)
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    done = subprocess.run(
        [sys.executable, "-c", DOWNSTREAM, str(exported), str(tmp_path / "data.npz")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    expected = open_pretrained(str(run)).encoder.features(images)
    np.testing.assert_allclose(seen["features"], expected, atol=1e-5)
    assert seen["losses"][-1] < 0.7 * seen["losses"][0]
