"""`python -m ressl_tf.plot`: projections, colours, curves, and what cannot be drawn."""

import json
import logging
import pathlib
import re
import shlex

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.colors import to_hex

from ressl_tf.config.plot_config import PlotConfig
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.evaluate import plots
from ressl_tf.evaluate.plots import pictures, projection
from ressl_tf.evaluate.plots.scatter import COLOURS, GREY, scatter
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import open_pretrained

README = (pathlib.Path(__file__).parents[3] / "README.md").read_text()


def features(count=40, length=6, seed=0):
    spread = np.array([5.0, 3.0, 1.0, 0.5, 0.2, 0.1])[:length]
    generator = np.random.default_rng(seed)
    return (generator.normal(size=(count, length)) * spread).astype("float32")


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that would be written, by file name."""
    figures = {}
    monkeypatch.setattr(
        plots, "save", lambda figure, path, dpi: figures.update({path.name: figure})
    )
    return figures


# Projections.


def test_pca_is_the_singular_value_decomposition():
    vectors = unit(features())
    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred.astype("float64"), full_matrices=False)
    plane = projection.project(features(), "pca")
    for column in (0, 1):  # whose sign is free
        expected = left[:, column] * values[column]
        sign = np.sign(plane.points[:, column] @ expected)
        np.testing.assert_allclose(plane.points[:, column], sign * expected, atol=1e-5)
    shares = values**2 / np.sum(values**2)
    assert plane.axes == tuple(
        f"component {i + 1} ({shares[i]:.0%} of the variance)" for i in (0, 1)
    )


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_length_of_features_does_not_matter(method):
    lengths = np.linspace(0.5, 7, 40, dtype="float32")[:, None]
    plain = projection.project(unit(features()), method).points
    scaled = projection.project(unit(features()) * 8, method).points
    np.testing.assert_array_equal(plain, scaled)  # 8 is exact
    if method == "pca":
        other = projection.project(unit(features()) * lengths, method).points
        np.testing.assert_allclose(np.abs(plain), np.abs(other), atol=1e-5)


def test_tsne_keeps_two_groups_apart_and_is_a_function_of_the_seed():
    directions = np.repeat(np.eye(6, dtype="float32")[:2], 20, axis=0)
    vectors = 5 * directions + 0.3 * features() / 5
    points, again = (
        projection.project(vectors, "tsne", perplexity=5, seed=3).points
        for _ in range(2)
    )
    np.testing.assert_array_equal(points, again)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    group = np.arange(40) < 20
    assert (group[distances.argmin(axis=1)] == group).all()


@pytest.mark.parametrize(
    ("count", "asked", "expected"),
    [(4, 0, 1.0), (30, 0, 9.6), (91, 0, 30.0), (5000, 0, 30.0), (30, 9.6, 9.6)],
)
def test_the_perplexity_suits_the_number_of_images(count, asked, expected):
    assert projection.suitable_perplexity(count, asked) == pytest.approx(expected)


def test_a_perplexity_above_a_third_of_the_images_is_refused():
    with pytest.raises(UsageError, match=r"at most 9\.6.*Received: 9\.7 for 30 images"):
        projection.suitable_perplexity(30, 9.7)


@pytest.mark.parametrize(
    ("value", "error"), [(np.nan, "not finite"), (1.0, "the same features")]
)
def test_useless_features_are_named(value, error):
    with pytest.raises(RunError, match=error):
        projection.project(np.full((9, 3), value, "float32"), "pca")


def test_a_plane_needs_two_dimensions():
    with pytest.raises(UsageError, match=r"\[9, 1\]"):
        projection.project(features(9, 1), "pca")


# Colours.


def described(figure):
    """Label -> (colour, points) of what was drawn."""
    (axis,) = figure.axes
    return {
        drawn.get_label(): (to_hex(drawn.get_facecolor()[0]), drawn.get_offsets())
        for drawn in axis.collections
    }


def legend(figure):
    return [text.get_text() for box in figure.legends for text in box.get_texts()]


def test_every_class_has_its_colour_and_its_name_in_the_legend():
    points, labels = features(30, 2), np.arange(30) % 3
    figure = scatter(points, labels, ["cat", "dog", "emu"], axes=("a", "b"))
    groups = described(figure)
    assert legend(figure) == ["cat", "dog", "emu"]
    assert [colour for colour, _ in groups.values()] == list(COLOURS[:3])
    for label, (_, offsets) in enumerate(groups.values()):
        np.testing.assert_array_equal(offsets, points[labels == label])
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("a", "b")


def test_of_many_classes_the_largest_have_colours_and_the_others_are_grey():
    """Class c of 23 has c + 1 images, so that 3 to 22 are the largest."""
    labels = np.repeat(np.arange(23), np.arange(1, 24))
    names = [f"class {c}" for c in range(23)]
    groups = described(scatter(features(len(labels), 2), labels, names))
    assert list(groups) == [*names[3:], "3 other classes"]
    assert len({colour for colour, _ in groups.values()}) == 21
    colour, points = groups["3 other classes"]
    assert (colour, len(points)) == (GREY, 1 + 2 + 3)


def test_images_of_no_class_are_grey_and_below_the_others():
    figure = scatter(features(4, 2), np.array([0, -1, 1, 0]), ["cat", "dog"])
    colour, points = described(figure)["no class"]
    assert (colour, len(points)) == (GREY, 1)
    heights = {c.get_label(): c.get_zorder() for c in figure.axes[0].collections}
    assert heights["no class"] < min(heights["cat"], heights["dog"])


def test_without_labels_there_is_one_colour_and_no_legend():
    figure = scatter(features(9, 2))
    ((colour, points),) = described(figure).values()
    assert (colour, len(points), figure.legends) == (COLOURS[0], 9, [])


def test_the_colours_differ():
    assert len({*COLOURS, GREY}) == 21


# Galleries and curves.


def test_the_gallery_names_the_querys_class_and_explains_its_frames(images):
    labels = np.array([0, 1] * 5 + [-1, -1])
    figure = plots.neighbours(
        images, features(12), labels, label_names=["cat", "dog"], queries=12, count=2
    )
    rows = np.array(figure.axes).reshape(12, 3)
    names = [axis.get_ylabel() for axis in rows[:, 0]]
    assert names == ["cat", "dog"] * 5 + ["", ""]
    framed = [row[1].spines["top"].get_visible() for row in rows]
    assert framed == [True] * 10 + [False] * 2
    assert legend(figure) == ["of the query's class", "of another class"]


def test_a_gallery_of_few_images_has_no_empty_places(images):
    figure = plots.neighbours(images[:3], features(3))
    assert len(figure.axes) == 3 * 3
    assert all(axis.get_images() for axis in figure.axes)
    assert legend(figure) == []


ROWS = [
    {"epoch": 0, "step": 0, "knn_top1": 0.2},
    {"epoch": 1, "step": 5, "loss": 5.0, "teacher_entropy": 3.0, "top1_new": 0.5},
    {"epoch": 2, "step": 10, "loss": 4.0, "student_entropy": 2.0, "knn_top1": 0.4},
]


def test_curves_are_the_log_and_the_levels_to_compare_with():
    figure = plots.curves(ROWS, {"teacher_entropy": (3.4, "uniform")})
    axes = {axis.get_title(): axis for axis in figure.axes}
    relations = axes["entropy of relations (nats)"]
    assert list(axes) == ["loss (nats)", "kNN top-1", relations.get_title(), "top1 new"]
    assert axes["kNN top-1"].lines[0].get_xydata().tolist() == [[0, 0.2], [2, 0.4]]
    assert axes["top1 new"].lines[0].get_xydata().tolist() == [[1, 0.5]]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in relations.lines}
    assert drawn == {
        "teacher": [[1, 3.0]],
        "student": [[2, 2.0]],
        "uniform": [[0, 3.4], [1, 3.4], [2, 3.4]],
    }
    assert relations.get_legend() is not None
    assert axes["loss (nats)"].get_legend() is None


def test_the_levels_are_those_of_the_run(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"embedding_dim": 64, "queue_size": 1000}))
    levels = pictures.reference_levels(path)
    values = {key: value for key, (value, _) in levels.items()}
    assert values == pytest.approx(
        {"embedding_std": 1 / 8, "teacher_entropy": np.log(1000)}
    )
    assert pictures.reference_levels(tmp_path / "none") == {}


# The command.


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
def test_curves_need_no_checkpoint_and_files_are_written(unbroken, tmp_path):
    (tmp_path / "metrics.jsonl").write_text((unbroken[1] / "metrics.jsonl").read_text())
    result = pictures.draw(PlotConfig(workdir=str(tmp_path), kind=("curves",)))
    path = tmp_path / "plots" / "curves.png"
    assert result["pictures"] == {"curves": str(path)}
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def any_size(tmp_path_factory):
    """A .keras model of images of any size, which gives their mean colours."""
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
    assert sum("no labels" in message for message in messages) == 1
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


def test_one_encoder_is_drawn_and_the_pictures_have_a_place():
    for given in ({}, {"workdir": "a", "model": "b"}):
        with pytest.raises(UsageError, match="one of --workdir"):
            PlotConfig(**given)
    folders = {
        PlotConfig(workdir="runs/a"): "runs/a/plots",
        PlotConfig(model="x/encoder.keras"): "runs/plots-encoder",
        PlotConfig(model="exports/v1.2/"): "runs/plots-v1.2",
        PlotConfig(model="m", output="here"): "here",
    }
    for config, folder in folders.items():
        assert config.output_dir == pathlib.Path(folder)


def test_a_perplexity_below_one_is_refused():
    with pytest.raises(UsageError, match=r"0 or at least 1\. Received: 0\.5"):
        PlotConfig(workdir="a", perplexity=0.5)


def test_the_readmes_commands_parse():
    lines = re.findall(r"^python -m ressl_tf\.plot (.*)", README, re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        assert flags.parse(PlotConfig, shlex.split(line)).source
