"""The export command: formats, what is replaced, and use in other processes."""

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
from helpers.exports import tiny_classifier, trained
from helpers.models import tiny_model

from ressl_tf.config import Config
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.methods.build import build_model, build_optimizer
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.exporter import export
from ressl_tf.saving.pretrained import open_pretrained

ROOT = pathlib.Path(__file__).parents[2]


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
        assert card.endswith(
            "## Licence\n\nNone has been chosen yet, for the weights or for ressl_tf.\n"
        )
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


def test_two_keras_files_lie_in_one_folder_each_with_its_card(source, tmp_path):
    for name in ("a", "b"):
        output = str(tmp_path / f"{name}.keras")
        export(ExportConfig(model=source, output=output, format="keras"))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"a.keras", "a.md", "b.keras", "b.md"}
    assert "# Model card: a.keras\n" in (tmp_path / "a.md").read_text()


def test_a_text_that_was_there_is_not_overwritten_unasked(source, tmp_path):
    (tmp_path / "a.md").write_text("mine")
    output = str(tmp_path / "a.keras")
    with pytest.raises(UsageError, match=r"a\.md is there already"):
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


@pytest.mark.slow
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


ELSEWHERE = """\
import sys
sys.modules.update(dict.fromkeys({blocked!r}))  # importing them fails
import numpy as np
import tensorflow as tf
data = np.load("data.npz")
images, labels = data["images"], data["labels"]
"""


def elsewhere(code, folder, blocked):
    """Run code in `folder` in a process that cannot import what is `blocked`."""
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
    """Save a run with weights as after training, and its features."""
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
    """Return the page's code for a program that has TensorFlow alone."""
    text = (ROOT / "docs" / "export.md").read_text()
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
