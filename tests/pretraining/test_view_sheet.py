"""`python -m ressl_tf.preview`: the sheet shows what training would see."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import TINY

from ressl_tf import preview
from ressl_tf.config.preview_config import PreviewConfig
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.evaluate import plots
from ressl_tf.methods.build import build_model
from ressl_tf.pretraining import view_sheet
from ressl_tf.runtime import command
from ressl_tf.runtime.errors import RunError, UsageError

ROOT = pathlib.Path(__file__).parents[2]


def config(photos, tmp_path, **options):
    values = {"dataset": f"folder:{photos}", "output": str(tmp_path / "views.png")}
    return PreviewConfig(**{**TINY, **values, **options})


def by_row(figure):
    """Return name of each row -> its pictures [n, h, w, 3] on 0..255."""
    rows, name = {}, None
    for axis in figure.axes:
        name = axis.get_ylabel() or name
        (picture,) = axis.get_images()
        rows.setdefault(name, []).append(np.asarray(picture.get_array()) * 255)
    return {name: np.stack(pictures) for name, pictures in rows.items()}


@pytest.fixture(autouse=True)
def build_once(monkeypatch, model):
    """Build the model once: its views are the same in all tests."""
    monkeypatch.setattr(view_sheet, "build_model", lambda config: model)


@pytest.fixture(scope="module")
def model():
    return build_model(PreviewConfig(**TINY))


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    return figures


@pytest.mark.slow
def test_the_sheet_shows_crops_of_the_photos_and_draws_of_their_views(
    photos, tmp_path, drawn, model
):
    options = config(photos, tmp_path, images=3, draws=2, seed=5)
    result = view_sheet.draw(options)
    assert result == {
        "path": str(tmp_path / "views.png"),
        "dataset": f"folder:{photos}",
        "split": "train",
        "images": 3,
        "draws": 2,
        "views": {"strong": 16, "weak": 16},
    }
    rows = by_row(drawn[0])
    assert list(rows) == [
        "original\n16 px",
        "strong 1\n16 px\nstudent",
        "strong 2",
        "weak 1\n16 px\nteacher",
        "weak 2",
    ]
    ((crops, _),) = evaluation_batches(load_source(options.dataset, "train"), 16, 26)
    originals = rows.pop("original\n16 px")
    numbers = [np.abs(crops - image).max((1, 2, 3)).argmin() for image in originals]
    assert len(set(numbers)) == 3
    chosen = crops.numpy()[numbers]  # the photos have 16 pixels, so these are they
    np.testing.assert_allclose(originals, chosen, atol=1e-3)

    drawn_rows = {name.split("\n")[0]: pictures for name, pictures in rows.items()}
    for draw, position in np.ndindex(2, 3):
        seed = view_sheet.draw_seed(5, draw, position)
        expected = model.views(chosen[position][None], seed)
        for view in ("strong", "weak"):
            picture = drawn_rows[f"{view} {draw + 1}"][position]
            np.testing.assert_allclose(picture, expected[view][0], atol=1e-3)


def test_every_draw_of_every_photo_has_its_own_seed():
    seeds = {
        tuple(view_sheet.draw_seed(seed, draw, position).numpy())
        for seed in range(3)
        for draw in range(3)
        for position in range(3)
    }
    assert len(seeds) == 27


def test_rows_are_shown_in_the_channels_that_are_asked_for(images):
    rows = view_sheet.shown_rows({"weak": images}, "3,2,1")
    np.testing.assert_array_equal(rows["weak"], images[..., ::-1])


def test_the_seed_chooses_the_photos(photos):
    source = load_source(f"folder:{photos}", "train", memory_limit=0)
    first, again, other = (
        np.stack(view_sheet.chosen_photos(source, 5, seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len(view_sheet.chosen_photos(source, 50, 0)) == source.size == 26


def test_photos_of_other_sizes_are_centre_crops(tmp_path, drawn):
    """A ramp of 40 columns becomes one of 18 (16 * 256 / 224), its middle 16."""
    ramp = np.broadcast_to(np.linspace(0, 255, 40)[None, :, None], (40, 40, 3))
    encoded = tf.io.encode_png(tf.constant(ramp, tf.uint8))
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(encoded.numpy())
    view_sheet.draw(config(tmp_path, tmp_path, images=2, draws=1))
    original = by_row(drawn[0])["original\n16 px"][0]
    centres = (np.arange(1, 17) + 0.5) * 40 / 18 - 0.5  # columns 1 to 16 of the 18
    expected = np.interp(centres, np.arange(40), ramp[0, :, 0])
    np.testing.assert_allclose(original[8, :, 0], expected, atol=1.5)


def test_the_command_takes_trainings_flags(photos, tmp_path, capsys, monkeypatch):
    """All strong views are grey, as the flags say, and no weak one."""
    monkeypatch.setattr(view_sheet, "build_model", build_model)
    figures = []
    sheet = plots.image_rows
    monkeypatch.setattr(
        plots, "image_rows", lambda *args: figures.append(sheet(*args)) or figures[0]
    )
    output = tmp_path / "new" / "sheet.png"
    arguments = [
        f"--flagfile={ROOT / 'configs' / 'demo.flags'}",
        f"--dataset=folder:{photos}",
        "--image_size=16",
        "--grayscale_prob=1",
        "--images=3",
        "--draws=1",
        f"--output={output}",
    ]
    status = command.run(preview.main, PreviewConfig, preview.__doc__, arguments)
    assert status == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(output)
    assert output.read_bytes().startswith(b"\x89PNG")
    _, strong, weak = by_row(figures[0]).values()
    assert np.ptp(strong, axis=-1).max() < 1e-3
    assert np.ptp(weak, axis=-1).max(axis=(1, 2)).min() > 50


def test_an_unreadable_photo_is_named(photos, tmp_path):
    for index, path in enumerate(sorted((photos / "test" / "red").iterdir())):
        (tmp_path / f"{index}.png").write_bytes(path.read_bytes())
    (tmp_path / "3.png").write_bytes(b"no picture")
    with pytest.raises(RunError, match=r"3\.png"):
        view_sheet.draw(config(tmp_path, tmp_path))
    skipped = config(tmp_path, tmp_path / "out", on_bad_image="skip", draws=1)
    assert view_sheet.draw(skipped)["images"] == 4


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"image_size": 64}, "16 pixels"),
        ({"split": "validation"}, "splits test, train"),
        ({"dataset": "folder:/no/such"}, "No such folder"),
    ],
)
def test_images_that_cannot_be_used(photos, tmp_path, options, error):
    with pytest.raises(UsageError, match=error):
        view_sheet.draw(config(photos, tmp_path, **options))


def test_an_output_that_cannot_be_written(photos, tmp_path):
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file" / "views.png", tmp_path):
        with pytest.raises(UsageError, match="--output"):
            view_sheet.draw(config(photos, tmp_path, output=str(output)))
