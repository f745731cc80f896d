"""Exports give what their source gives, to programs that do not know this package."""

import json
import os
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import tiny_backbone, tiny_model

from ressl_tf.config import Config
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.data.pipeline import centre_crop
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.methods.build import build_model, build_optimizer
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving import keras_file, model_card, saved_model
from ressl_tf.saving.exporter import export
from ressl_tf.saving.pretrained import Pretrained, open_pretrained
from ressl_tf.saving.rebuild import rebuild

ROOT = pathlib.Path(__file__).parents[2]
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
ABOUT = {"image_size": 16, "config": {"dataset": "shapes"}}


def trained(layer, seed=0):
    """Every variable as after some training: random, variances positive."""
    generator = np.random.default_rng(seed)
    for variable in layer.variables:
        if variable.dtype == "float32":
            low, high = (0.5, 1.5) if "variance" in variable.name else (-0.4, 0.5)
            variable.assign(generator.uniform(low, high, variable.shape))
    return layer


def tiny_encoder(batch_norm="local", projector=True):
    return trained(
        Encoder(
            tiny_backbone(batch_norm),
            keras.Sequential([keras.Input((8,)), keras.layers.Dense(6)])
            if projector
            else None,
            MEAN,
            STD,
            name="online",
        )
    )


def tiny_classifier(frozen=False):
    names = ("cat", "dog", "owl")
    classifier = Classifier(
        tiny_encoder(), 3, frozen=frozen, image_size=16, label_names=names
    )
    return trained(classifier.head, 1) and classifier


def saved(part, folder, size=None, outputs=("features",)):
    saved_model.save(rebuild(part, size), folder, ABOUT, outputs=outputs)
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def embedding_export(tmp_path_factory):
    """(encoder, folder, loaded) with any image size and both outputs; read only."""
    encoder, folder = tiny_encoder(), tmp_path_factory.mktemp("export") / "model"
    return encoder, folder, saved(encoder, folder, None, ("features", "embeddings"))


def test_serve_gives_the_sources_features_and_embeddings(embedding_export, images):
    encoder, _, loaded = embedding_export
    made = loaded.serve(images)
    assert set(made) == {"features", "embeddings"}
    np.testing.assert_allclose(made["features"], encoder.features(images), atol=1e-5)
    np.testing.assert_allclose(made["embeddings"], encoder(images), atol=1e-5)
    normal = (images / 255.0 - np.array(MEAN)) / np.array(STD)
    plain = encoder.backbone(normal.astype("float32"), training=False)
    np.testing.assert_allclose(made["features"], plain, atol=1e-5)


def test_images_may_be_uint8_or_float32_of_any_number_and_size(
    embedding_export, images
):
    _, _, loaded = embedding_export
    whole = loaded.serve(images)["features"]
    as_float = loaded.serve(images.astype("float32"))["features"]
    np.testing.assert_array_equal(as_float, whole)
    np.testing.assert_allclose(
        loaded.serve(images[:1])["features"], whole[:1], atol=1e-5
    )
    larger = np.pad(images, ((0, 0), (2, 6), (1, 0), (0, 0)), mode="edge")
    assert loaded.serve(larger)["features"].shape == (12, 8)


def test_a_fixed_size_is_in_the_signature(images, tmp_path):
    loaded = saved(tiny_encoder(), tmp_path / "model", 20)
    signature = loaded.signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    assert spec == tf.TensorSpec([None, 20, 20, 3], tf.uint8, name="images")
    with pytest.raises(ValueError, match="matching concrete function"):
        loaded.serve(images)


def test_servers_find_images_of_both_types_and_encoded_ones(embedding_export, images):
    _, _, loaded = embedding_export
    whole = loaded.serve(images)["features"]
    for name, dtype in (("serving_default", "uint8"), ("serving_float32", "float32")):
        served = loaded.signatures[name](images=tf.constant(images.astype(dtype)))
        np.testing.assert_allclose(served["features"], whole, atol=1e-6)
    encoded = loaded.signatures["serving_encoded"]
    files = tf.stack([tf.io.encode_png(image) for image in images])
    served = encoded(image_bytes=files)["features"]
    np.testing.assert_allclose(served, whole, atol=1e-5)
    large = tf.cast(tf.image.resize(images, (40, 30), "bicubic"), tf.uint8)
    files = tf.stack([tf.io.encode_png(image) for image in large])
    served = encoded(image_bytes=files)["features"]
    cropped = loaded.serve(centre_crop(large, 16))["features"]
    np.testing.assert_allclose(served, cropped, atol=1e-5)


@pytest.mark.parametrize("scope", ["local", "sync", "split"])
def test_train_normalises_by_the_batch_and_moves_the_statistics(
    scope, images, tmp_path
):
    """Against NumPy; a batch of 5 could not be split into the run's 8 groups."""
    norm = BatchNormalization(scope, name="bn")
    layers = [keras.Input((16, 16, 3)), norm, keras.layers.GlobalMaxPooling2D()]
    encoder = Encoder(keras.Sequential(layers), None, MEAN, STD)
    loaded = saved(encoder, tmp_path / "model")
    batch = images[:5]
    normal = (batch / 255.0 - np.array(MEAN)) / np.array(STD)
    mean, variance = normal.mean((0, 1, 2)), normal.var((0, 1, 2))
    expected = ((normal - mean) / np.sqrt(variance + 1e-5)).max((1, 2))
    np.testing.assert_allclose(loaded.train(batch)["features"], expected, atol=1e-4)
    _, _, moving_mean, moving_variance = loaded.variables
    np.testing.assert_allclose(moving_mean, 0.1 * mean, atol=1e-6)
    samples = normal[..., 0].size
    if scope != "sync":  # there it is Keras's own, without n / (n - 1)
        unbiased = variance * samples / (samples - 1)
        np.testing.assert_allclose(moving_variance, 0.9 + 0.1 * unbiased, rtol=1e-5)
    assert len(loaded.trainable_variables) == len(loaded.non_trainable_variables) == 2
    served = loaded.serve(batch)["features"]
    assert not np.allclose(served, expected, atol=1e-2)


def test_the_trainable_variables_are_the_encoders_and_gradients_reach_all(
    images, tmp_path
):
    encoder = tiny_encoder(projector=False)
    loaded = saved(encoder, tmp_path / "model")
    for values, sources in (
        (loaded.variables, encoder.variables),
        (loaded.trainable_variables, encoder.trainable_variables),
        (loaded.non_trainable_variables, encoder.non_trainable_variables),
    ):
        for value, source in zip(values, sources, strict=True):
            np.testing.assert_array_equal(value, source.numpy())
    with tf.GradientTape() as theirs:
        loss = tf.reduce_sum(loaded.train(images)["features"] ** 2)
    with tf.GradientTape() as ours:
        expected = tf.reduce_sum(encoder.features(images, training=True) ** 2)
    gradients = theirs.gradient(loss, loaded.trainable_variables)
    for got, want in zip(
        gradients, ours.gradient(expected, encoder.trainable_variables), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_classifier_gives_probabilities_and_can_be_trained_on(
    frozen, images, tmp_path
):
    classifier = tiny_classifier(frozen)
    names = ("features", "logits", "probabilities")
    loaded = saved(classifier, tmp_path / "model", outputs=names)
    made = {name: value.numpy() for name, value in loaded.serve(images).items()}
    kernel, bias = (v.numpy() for v in classifier.head.variables)
    np.testing.assert_allclose(
        made["features"], classifier.encoder.features(images), atol=1e-5
    )
    logits = made["features"] @ kernel + bias
    np.testing.assert_allclose(made["logits"], logits, atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(made["probabilities"], shares, atol=1e-6)
    assert len(loaded.trainable_variables) == 6 + 2  # convolutions, norms and head
    before = loaded.variables[3].numpy()  # a moving mean
    loaded.train(images)
    assert not np.allclose(loaded.variables[3], before)


def test_load_gives_the_encoder_and_what_was_said_of_it(embedding_export, images):
    encoder, folder, _ = embedding_export
    part, about = saved_model.load(folder)
    assert about == ABOUT
    np.testing.assert_allclose(part(images), encoder(images), atol=1e-6)
    assert (part.mean, part.std) == (MEAN, STD)


def test_an_exported_classifier_opens_as_one(images, tmp_path):
    classifier = tiny_classifier()
    saved(classifier, tmp_path / "model", outputs=("features", "probabilities"))
    opened = open_pretrained(str(tmp_path / "model"))
    assert opened.kind == "saved_model"
    assert opened.image_size == 16
    assert opened.config == {"dataset": "shapes"}
    assert opened.classifier.label_names == ("cat", "dog", "owl")
    np.testing.assert_allclose(opened.classifier(images), classifier(images), atol=1e-5)
    features = classifier.encoder.features(images)
    np.testing.assert_allclose(opened.encoder.features(images), features, atol=1e-5)


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("ressl_tf.json", pathlib.Path.unlink, "another program: it has no ressl_tf"),
        ("ressl_tf.json", cut, "damaged or of another version"),
        ("saved_model.pb", cut, "saved_model.pb differs from what was saved"),
        (
            "variables/variables.data-00000-of-00001",
            flip,
            "data-00000-of-00001 differs",
        ),
        (
            "variables/variables.index",
            pathlib.Path.unlink,
            "variables.index is missing",
        ),
    ],
)
def test_a_damaged_or_foreign_saved_model_is_one_line(
    embedding_export, tmp_path, name, damage, message
):
    _, folder, _ = embedding_export
    copy = tmp_path / "copy"
    for path in folder.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    damage(copy / name)
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        open_pretrained(str(copy))
    assert "\n" not in str(error.value)


def test_a_network_for_one_size_alone_says_so():
    layers = [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(4)]
    encoder = Encoder(keras.Sequential(layers), None, MEAN, STD)
    assert rebuild(encoder, 16).feature_dim == 4
    for size, words in ((None, "any size"), (24, "24 pixels")):
        with pytest.raises(UsageError, match=f"images of {words}.*see --image_size"):
            rebuild(encoder, size)


# Files of stock Keras.


def test_a_keras_file_has_stock_layers_and_the_sources_features(images, tmp_path):
    encoder = tiny_encoder("split")
    keras_file.save(
        keras_file.stock_model(encoder, None, ("features",)), tmp_path / "m.keras"
    )
    model = keras.saving.load_model(tmp_path / "m.keras")
    assert "ressl_tf" not in model.to_json()
    features = encoder.features(images)
    np.testing.assert_allclose(model.predict(images, verbose=0), features, atol=1e-5)
    np.testing.assert_allclose(model(images.astype("float32")), features, atol=1e-5)
    assert model(np.zeros((1, 20, 24, 3), "uint8")).shape == (1, 8)
    assert len(model.trainable_variables) == 6
    opened = open_pretrained(str(tmp_path / "m.keras"))
    np.testing.assert_allclose(opened.encoder.features(images), features, atol=1e-5)


def test_a_keras_file_may_give_several_outputs(images):
    encoder, classifier = tiny_encoder(), tiny_classifier()
    made = keras_file.stock_model(encoder, 16, ("features", "embeddings"))(images)
    np.testing.assert_allclose(made["embeddings"], encoder(images), atol=1e-5)
    names = ("features", "logits", "probabilities")
    made = keras_file.stock_model(classifier, 16, names)(images)
    logits = classifier(images)
    np.testing.assert_allclose(made["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(made["probabilities"], tf.nn.softmax(logits), atol=1e-5)


@keras.saving.register_keras_serializable(package="test_export")
class Own(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def test_layers_that_are_not_keras_are_refused_by_name():
    inner = keras.Sequential([keras.Input((16, 16, 3)), Own(name="mine")])
    pooling = keras.layers.GlobalAveragePooling2D()
    backbone = keras.Sequential([keras.Input((16, 16, 3)), inner, pooling])
    with pytest.raises(UsageError, match="Received: mine, a Own; use --format=saved"):
        keras_file.stock_model(Encoder(backbone, None, MEAN, STD), 16, ("features",))


# The command.


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "source.keras"
    model = tiny_model()
    trained(model.online)
    model.save(path)
    return str(path)


def test_both_formats_hold_the_same_weights_and_a_card(source, tmp_path):
    done = [
        export(
            ExportConfig(
                model=source,
                output=str(tmp_path / form),
                format=form,
                outputs=("embeddings",),
            )
        )
        for form in ("saved_model", "keras")
    ]
    assert done[0]["weights_sha256"] == done[1]["weights_sha256"]
    for result in done:
        assert result["outputs"] == {"features": 8, "embeddings": 6}
        assert result["image_size"] is None
        card = pathlib.Path(result["model_card"]).read_text()
        assert result["weights_sha256"] in card
        for title in ("Load it", "Data", "Metrics", "Config", "Limits", "Versions"):
            assert f"\n## {title}\n" in card
        assert card.endswith("## Licence\n\nNot stated.\n")
        assert keras.__version__ in card
    files = [path for path in (tmp_path / "saved_model").rglob("*") if path.is_file()]
    assert done[0]["bytes"] == sum(path.stat().st_size for path in files)
    assert done[1]["path"] == str(tmp_path / "keras" / "model.keras")
    assert done[1]["bytes"] == os.path.getsize(done[1]["path"])


@pytest.mark.slow
def test_only_an_export_is_replaced_and_only_when_asked(source, tmp_path, monkeypatch):
    options = {"model": source, "output": str(tmp_path / "out"), "image_size": 16}
    (tmp_path / "out").mkdir()
    export(ExportConfig(**options))  # an empty folder is as good as none
    with pytest.raises(UsageError, match="is there already; choose another --output"):
        export(ExportConfig(**options))
    before = (tmp_path / "out" / "ressl_tf.json").read_text()

    replacing = ExportConfig(**options, overwrite=True)
    for error in (
        OSError(28, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "No space left\nmore"),
    ):

        def full(_root, folder, error=error, **_):
            (pathlib.Path(folder) / "half").touch()
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(tf.saved_model, "save", full)
            with pytest.raises(RunError, match=r"cannot write .*No space left"):
                export(replacing)
    assert (tmp_path / "out" / "ressl_tf.json").read_text() == before
    assert export(replacing)["image_size"] == 16
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_folder_of_something_else_stays(source, tmp_path):
    (tmp_path / "photo.jpg").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="which holds something else"):
            export(
                ExportConfig(model=source, output=str(tmp_path), overwrite=overwrite)
            )
    assert (tmp_path / "photo.jpg").read_text() == "mine"


def test_a_card_of_another_export_is_not_overwritten_unasked(source, tmp_path):
    (tmp_path / "model_card.md").write_text("mine")
    output = str(tmp_path / "a.keras")
    with pytest.raises(UsageError, match=r"model_card\.md is there already"):
        export(ExportConfig(model=source, output=output, format="keras"))


def test_outputs_that_the_source_cannot_give_are_refused(source, tmp_path):
    tiny_classifier().save(tmp_path / "classifier.keras")
    fine_tuned = str(tmp_path / "classifier.keras")
    for model, outputs, message in [
        (source, ("probabilities",), "an encoder without classes"),
        (fine_tuned, ("embeddings",), "embeddings need a projector"),
        (fine_tuned, ("embeddings", "logits"), "has no projector"),
    ]:
        config = ExportConfig(
            model=model, output=str(tmp_path / "out"), outputs=outputs
        )
        with pytest.raises(UsageError, match=message):
            export(config)
        assert not (tmp_path / "out").exists()


def test_a_classifier_gives_its_probabilities_unasked(tmp_path):
    tiny_classifier().save(tmp_path / "classifier.keras")
    done = export(
        ExportConfig(
            model=str(tmp_path / "classifier.keras"), output=str(tmp_path / "out")
        )
    )
    assert done["kind"] == "classifier"
    assert done["outputs"] == {"features": 8, "probabilities": 3}
    card = (tmp_path / "out" / "model_card.md").read_text()
    assert "Classes, in order: cat, dog, owl." in card


def test_the_card_shows_config_data_and_all_results_without_paths(tmp_path):
    rows = [{"step": 1, "loss": 8.5}, {"step": 2, "loss": 4.25}]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name, top1 in (("knn", 0.4375), ("linear", 0.5625)):
        (tmp_path / name).mkdir()
        result = {"top1": top1, "k": [20], "plot": "/somewhere/plot.png"}
        (tmp_path / name / "result.json").write_text(json.dumps(result))
    config = {
        "dataset": "folder:/somewhere/photos",
        "color_jitter": [0.4, 0.1],
        "workdir": "/somewhere",
    }
    source = Pretrained(
        tmp_path, "workdir", tiny_encoder(projector=False), 16, config=config
    )
    card = model_card.text(
        source,
        {
            "format": "saved_model",
            "kind": "encoder",
            "outputs": {"features": 8},
            "feature_dim": 8,
            "parameters": 12345,
            "image_size": None,
            "trained_image_size": 16,
            "weights_sha256": "abc",
        },
        "exported",
    )
    assert "somewhere" not in card
    for line in (
        "| dataset | folder:photos |",
        "| color_jitter | 0.4, 0.1 |",
        "| loss | 4.25 |",
        "| knn/result.json | value |\n|---|---|\n| top1 | 0.4375 |",
        "| linear/result.json | value |\n|---|---|\n| top1 | 0.5625 |",
        'model = tf.saved_model.load("exported")',
    ):
        assert line in card
    assert "8.5" not in card
    assert "12,345 parameters" in card


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "out"}, "one of --workdir and --model. Received: neither"),
        ({"model": "a", "workdir": "b", "output": "out"}, "Received: both"),
        ({"model": "a"}, "--output must be given"),
        ({"model": "a", "output": "a.keras"}, "use --format=keras"),
        ({"model": "a", "output": "b", "outputs": ("feature",)}, "Received: feature"),
        ({"model": "a", "output": "b", "outputs": ("auto", "logits")}, "stands alone"),
        ({"model": "a", "output": "b", "image_size": -1}, "between 0 and 4096"),
    ],
)
def test_flags_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        ExportConfig(**options)


def test_outputs_come_in_one_order_with_features_first():
    arguments = ["--model=a", "--output=b", "--outputs=probabilities, logits"]
    config = flags.parse(ExportConfig, arguments)
    assert config.output_names == ("features", "logits", "probabilities")
    assert ExportConfig(model="a", output="b").output_names is None


# Other processes.

ELSEWHERE = """\
import sys
sys.modules.update(dict.fromkeys({blocked!r}))  # importing them fails
import numpy as np
import tensorflow as tf
data = np.load("data.npz")
images, labels = data["images"], data["labels"]
"""


def elsewhere(code, folder, blocked):
    """Runs code in `folder` in a process that cannot import what is `blocked`."""
    script = ELSEWHERE.format(blocked=tuple(blocked)) + code
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run that was saved once, with weights as after training, and its features."""
    folder = tmp_path_factory.mktemp("elsewhere")
    config = Config(
        workdir=str(folder / "run"), width=0.125, stem="small", batch_norm="split"
    )
    model = build_model(config)
    model.compile(build_optimizer(config, 10))
    generator = np.random.default_rng(0)
    for variable in model.online.variables:
        if "moving" in variable.name:
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    with Workdir(config) as place:
        Checkpoints(place.checkpoints).save(model)
        place.log({"epoch": 1.0, "step": 10, "loss": 4.25})
    labels = np.arange(64, dtype="int32") % 4
    colours = generator.integers(60, 190, (4, 1, 1, 3))[labels]
    images = colours + generator.integers(-60, 60, (64, 32, 32, 3))
    images = images.astype("uint8")
    features = model.online.features(images)
    np.savez(folder / "data.npz", images=images, labels=labels, features=features)
    return folder


def run_export(commands, folder, *flags):
    status, out, err = commands.run("export", "--workdir=run", *flags, cwd=folder)
    assert status == 0, err
    (line,) = out.splitlines()
    return json.loads(line)


def readme_code():
    """What README tells a program that has TensorFlow alone to do."""
    text = (ROOT / "README.md").read_text().split("## Use the encoder elsewhere")[1]
    return re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)


@pytest.mark.slow
def test_tensorflow_alone_runs_and_trains_what_the_readme_shows(commands, workdir):
    """50 steps of a plain loop, with a new head on the exported encoder."""
    result = run_export(commands, workdir, "--output=exported")
    assert result["endpoints"] == ["serve", "train"]
    assert result["feature_dim"] == 64
    code = f"""
losses = []
model = tf.saved_model.load("exported")
difference = np.abs(model.serve(images)["features"] - data["features"]).max()
def watched():
    for _ in range(50):
        yield images, labels
        losses.append(float(loss))
batches = watched()
{readme_code()}
start = tf.saved_model.load("exported")
moved = [
    float(np.abs(new - old).max())
    for new, old in zip(model.variables, start.variables)
]
import json
print(json.dumps({{
    "difference": float(difference), "losses": losses, "moved": min(moved),
    "keras": "keras" in sys.modules and sys.modules["keras"] is not None,
}}))
"""
    blocked = ("ressl_tf", "keras_cv", "keras")
    found = elsewhere(code, workdir, blocked)
    assert found["difference"] <= 1e-5
    assert not found["keras"]
    losses = found["losses"]
    assert len(losses) == 50
    assert losses[0] == pytest.approx(np.log(10), abs=1e-3)  # the head is zero
    assert losses[-1] < 0.5 * losses[0]
    assert found["moved"] > 0  # weights and running statistics alike
    card = (workdir / "exported" / "model_card.md").read_text()
    assert "| loss | 4.25 |" in card
    opened = open_pretrained(str(workdir / "exported"))
    assert opened.config["queue_size"] == 4096
    assert opened.image_size == 32


@pytest.mark.slow
def test_keras_alone_opens_and_trains_the_keras_file(commands, workdir):
    run_export(commands, workdir, "--output=my.keras", "--format=keras")
    code = """
import json, keras
model = keras.saving.load_model("my.keras")
features = model.predict(images, verbose=0)
classifier = keras.Sequential([model, keras.layers.Dense(4)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
classifier.compile(keras.optimizers.SGD(0.05), loss)
history = classifier.fit(images, labels, epochs=15, batch_size=32, verbose=0).history
print(json.dumps({
    "difference": float(np.abs(features - data["features"]).max()),
    "losses": history["loss"],
}))
"""
    found = elsewhere(code, workdir, ("ressl_tf", "keras_cv"))
    assert found["difference"] <= 1e-5
    assert found["losses"][-1] < 0.5 * found["losses"][0]
