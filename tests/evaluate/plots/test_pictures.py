"""The pictures of a run or a model, and what cannot be drawn."""

import json
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.figures import described

from ressl_tf.config.plot_config import PlotConfig
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.evaluate import plots
from ressl_tf.evaluate.plots import pictures, projection
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import open_pretrained


@pytest.fixture
def drawn(monkeypatch):
    """Collect the figures that would be written, by file name."""
    figures = {}
    monkeypatch.setattr(
        plots, "save", lambda figure, path, **_: figures.update({path.name: figure})
    )
    return figures


def test_the_levels_are_those_of_the_run(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"embedding_dim": 64, "queue_size": 1000}))
    levels = pictures.reference_levels(path)
    values = {key: value for key, (value, _) in levels.items()}
    assert values == pytest.approx(
        {"embedding_std": 1 / 8, "teacher_entropy": np.log(1000)}
    )
    assert pictures.reference_levels(tmp_path / "none") == {}
    of_graph = {"method": "rgrl", "embedding_dim": 128, "queue_size": 16384}
    path.write_text(json.dumps(of_graph))  # a graph's lengths are those of other flags
    assert pictures.reference_levels(path) == {}


@pytest.mark.slow
def test_pictures_of_a_run(unbroken, photos, drawn, monkeypatch):
    """By default of its data set's test split; the points are its features' PCA."""
    _, run = unbroken
    opened = open_pretrained(str(run))
    monkeypatch.setattr(pictures, "open_pretrained", {str(run): opened}.get)
    config = PlotConfig(workdir=str(run), projection="pca")
    result = pictures.draw(config)
    names = ["embedding", "neighbours", "curves"]
    expected = {
        "encoder": str(run),
        "dataset": f"folder:{photos}",
        "split": "test",
        "images": 10,
        "feature_dim": 32,
        "labels": True,
        "projection": "PCA",
        "pictures": {name: str(run / "plots" / f"{name}.png") for name in names},
    }
    assert result == expected

    source = load_source(f"folder:{photos}", "test")
    ((shown, labels),) = evaluation_batches(source, 16, 10)
    vectors = opened.encoder.features(shown).numpy()
    points = projection.project(vectors, "pca").points
    groups = described(drawn["embedding.png"])
    assert list(groups) == ["blue", "red"]
    for label, (_, offsets) in enumerate(groups.values()):
        np.testing.assert_allclose(offsets, points[labels == label], atol=1e-4)
    gallery = drawn["neighbours.png"]
    first = gallery.axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(first * 255, shown[0], atol=1e-3)
    log = [json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()]
    loss = drawn["curves.png"].axes[0].lines[0].get_ydata()
    assert loss.tolist() == [row["loss"] for row in log if "loss" in row]


@pytest.mark.slow
def test_a_gallery_of_some_images_names_each_one(tmp_path):
    for level in range(9):
        image = tf.io.encode_png(tf.fill([8, 8, 3], tf.constant(level, tf.uint8)))
        tf.io.write_file(str(tmp_path / f"{level}.png"), image)
    source = load_source(f"folder:{tmp_path}", "train")
    batches = evaluation_batches(source, 8, 2, limit=5)
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    sample = pictures.Sample(source, "train", batches, vectors, None)
    for axis in pictures.gallery(sample).axes:
        pixel = axis.get_images()[0].get_array()[0, 0, 0]
        assert axis.get_xlabel() == f"{round(pixel * 255)}.png"


def test_curves_need_no_checkpoint_and_files_are_written(unbroken, tmp_path):
    (tmp_path / "metrics.jsonl").write_text((unbroken[1] / "metrics.jsonl").read_text())
    result = pictures.draw(PlotConfig(workdir=str(tmp_path), kind=("curves",)))
    path = tmp_path / "plots" / "curves.png"
    assert result["pictures"] == {"curves": str(path)}
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def any_size(tmp_path_factory):
    """Save a .keras model of images of any size, which gives their mean colours."""
    means = keras.layers.GlobalAveragePooling2D()
    model = keras.Sequential([keras.Input((None, None, 3)), means])
    path = tmp_path_factory.mktemp("model") / "any.keras"
    model.save(path)
    return str(path)


def of_model(any_size, photos, **options):
    flat = {"dataset": f"folder:{photos}", "image_size": 16, "projection": "pca"}
    return PlotConfig(model=any_size, **{**flat, **options})


@pytest.fixture
def heard(caplog):
    caplog.set_level(logging.INFO, "ressl_tf")
    return caplog


def test_a_heap_has_one_colour_and_a_model_no_curves(
    any_size, photos, drawn, tmp_path, heard
):
    heap = photos / "test" / "red"
    config = of_model(any_size, heap, output=str(tmp_path))
    result = pictures.draw(config)
    assert (result["split"], result["labels"]) == ("train", False)
    assert list(result["pictures"]) == ["embedding", "neighbours"]
    assert list(described(drawn["embedding.png"])) == ["images"]
    assert not any(
        spine.get_visible()
        for axis in drawn["neighbours.png"].axes
        for spine in axis.spines.values()
    )
    messages = [record.getMessage() for record in heard.records]
    assert sum("no labels in" in message for message in messages) == 1
    assert sum("curves are left out" in message for message in messages) == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"kind": ("curves",)}, "log of a run.*any.keras"),
        ({"kind": ("neighbours", "curves")}, "log of a run"),
        ({"image_size": 0}, "--image_size"),
        ({"dataset": ""}, "--dataset"),
        ({"dataset": "folder:/no/such"}, "No such folder"),
        ({"split": "validation"}, "splits test, train"),
        ({"projection": "tsne", "perplexity": 4.0}, r"at most 3\.0"),
    ],
)
def test_what_cannot_be_drawn_is_a_users_mistake(
    any_size, photos, drawn, tmp_path, options, error
):
    config = of_model(any_size, photos, **{"output": str(tmp_path), **options})
    with pytest.raises(UsageError, match=error):
        pictures.draw(config)
    assert not drawn


def test_too_few_images_are_a_users_mistake(any_size, tmp_path, images):
    for index in range(3):
        encoded = tf.io.encode_png(images[index])
        (tmp_path / f"{index}.png").write_bytes(encoded.numpy())
    config = of_model(any_size, tmp_path, output=str(tmp_path / "plots"))
    with pytest.raises(UsageError, match=r"4 images or more\. Received: 3"):
        pictures.draw(config)


@pytest.mark.slow
def test_a_run_without_checkpoint_or_no_run_at_all(unbroken, tmp_path):
    _, run = unbroken
    (tmp_path / "config.json").write_text((run / "config.json").read_text())
    with pytest.raises(UsageError, match="no checkpoint"):
        pictures.draw(PlotConfig(workdir=str(tmp_path)))
    assert not (tmp_path / "plots").exists()
    with pytest.raises(UsageError, match="not there"):
        pictures.draw(PlotConfig(workdir=str(tmp_path / "nothing")))
    assert not (tmp_path / "nothing").exists()


def test_an_encoder_of_one_size_takes_no_other(photos, tmp_path):
    means = keras.layers.GlobalAveragePooling2D()
    model = keras.Sequential([keras.Input((16, 16, 3)), means])
    model.save(tmp_path / "fixed.keras")
    config = of_model(str(tmp_path / "fixed.keras"), photos, image_size=8)
    with pytest.raises(UsageError, match=r"16 pixels\. Received: --image_size=8"):
        pictures.draw(config)
    opened = open_pretrained(config.source)
    assert opened.size_or(0) == opened.size_or(16) == 16


def test_an_output_that_cannot_be_written(any_size, photos, tmp_path):
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file", tmp_path / "file" / "plots"):
        with pytest.raises(UsageError, match=r"--output.*file"):
            pictures.draw(of_model(any_size, photos, output=str(output)))
    (tmp_path / "plots" / "embedding.png").mkdir(parents=True)
    config = of_model(any_size, photos, output=str(tmp_path / "plots"))
    with pytest.raises(RunError, match=r"cannot write .*embedding\.png"):
        pictures.draw(config)
