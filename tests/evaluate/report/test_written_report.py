"""Input that is broken, odd or small: a page that copes and says what is missing."""

import base64
import shutil

import numpy as np
import pytest
import tensorflow as tf
from helpers.pages import data_of

from ressl_tf.config.report_config import ReportConfig
from ressl_tf.engine.checkpoint import weights_sha256
from ressl_tf.evaluate.report import written_report
from ressl_tf.evaluate.report.packed import unpacked
from ressl_tf.evaluate.report.shown_images import Reading
from ressl_tf.methods.build import make_model
from ressl_tf.saving.pretrained import stored_config

pytestmark = pytest.mark.slow


def write(workdir, folder, model=None, **flags):
    """Write a report; return the JSON line and the page."""
    path = folder / "out.html"
    config = ReportConfig(workdir=str(workdir), output=str(path), **flags)
    line = written_report.write(config, Reading(model))
    return line, path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def network(unbroken):
    """Return a network of the tiny run: what it has compiled is used again."""
    return make_model(stored_config(unbroken[1]))


@pytest.fixture
def broken(unbroken, tmp_path):
    """Return a copy of the tiny run, to be damaged."""
    return shutil.copytree(unbroken[1], tmp_path / "run")


def test_five_images_without_labels(unbroken, network, photos, tmp_path):
    five = tmp_path / "five"
    five.mkdir()
    for index in range(5):
        shutil.copy(photos / "test" / "red" / f"{index}.png", five)
    line, page = write(
        unbroken[1], tmp_path, network, dataset=f"folder:{five}", images=400
    )
    assert (line["images"], line["not_shown"]) == (5, None)
    assert "Not shown: no image has a label" in page
    assert 'id="teacher-row"' in page


def test_one_image(unbroken, network, tmp_path):
    line, page = write(unbroken[1], tmp_path, network, images=1)
    assert line["images"] == 1
    assert "a relation needs three images or more; here are 1" in page
    assert "a plane needs two images" in page


def test_a_run_without_checkpoint_has_curves(broken, tmp_path):
    shutil.rmtree(broken / "checkpoints")
    line, page = write(broken, tmp_path)
    assert "holds no checkpoint" in line["not_shown"]
    assert "holds no checkpoint" in page
    assert "data-chart" in page


def test_a_damaged_checkpoint_gives_way_to_the_one_before(broken, network, tmp_path):
    *others, newest = sorted((broken / "checkpoints").glob("step-*.npz"))
    newest.write_bytes(newest.read_bytes()[:1000])
    line, page = write(broken, tmp_path, network, images=4, projection=("pca",))
    assert line["not_shown"] is None
    assert '"step": 6' in page
    assert '"step": 9,' not in page.split('"snapshots"')[1]
    for path in others:
        path.write_bytes(b"nothing")
    line, page = write(broken, tmp_path, network)
    assert "none of the 3 checkpoints" in line["not_shown"]


def test_an_unreadable_photo_is_named(unbroken, network, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        image = tf.fill((16, 16, 3), tf.constant(70 * index, tf.uint8))
        encoded = tf.io.encode_png(image).numpy()
        (folder / f"{index}.png").write_bytes(encoded)
    (folder / "1.png").write_bytes(encoded[:60])
    line, _ = write(unbroken[1], tmp_path, network, dataset=f"folder:{folder}")
    assert "1.png" in line["not_shown"]


def test_a_run_on_a_graph_has_curves_and_a_map_of_nodes(graph_run, tmp_path):
    line, page = write(graph_run, tmp_path)
    assert (line["images"], line["not_shown"]) == (60, None)
    assert "data-chart" in page
    assert "60 of 60 nodes" in page
    assert 'id="points"' in page
    assert 'id="relations"' not in page


def test_a_graph_that_has_moved_leaves_the_curves(graph_run, tmp_path):
    line, page = write(graph_run, tmp_path, dataset="graph:/nowhere.npz")
    assert "/nowhere.npz" in line["not_shown"]
    assert "data-chart" in page


def test_a_network_in_memory_gives_the_same_page(unbroken, network, tmp_path):
    before, pages = weights_sha256(network), []
    for model in (network, None):
        write(unbroken[1], tmp_path, model, projection=("pca",), checkpoints=1)
        pages.append(data_of(tmp_path / "out.html")["images"])
    assert weights_sha256(network) == before
    for name in ("names", "labels", "neighbours", "clusters", "per_class"):
        assert pages[0][name] == pages[1][name]
    for side in ("teacher", "student"):  # to rounding: batches may vary in the one
        stored = [page["relations"]["snapshots"][0][side] for page in pages]
        np.testing.assert_allclose(*map(unpacked, stored), atol=1e-4)
    points = [base64.b64decode(page["maps"][0]["points"]) for page in pages]
    np.testing.assert_allclose(*(np.frombuffer(p, "<f4") for p in points), atol=1e-4)


def choose(browser, name, value):
    """Take a value of a list, and return what the legend shows then."""
    browser.execute_script(
        "const list = document.getElementById(arguments[0]); list.value = arguments[1];"
        "list.dispatchEvent(new Event('change'))",
        name,
        value,
    )
    return browser.find_element("id", "legend").text.split("\n")


def test_a_map_of_nodes_is_coloured_and_hovered(browser, graph_run, tmp_path):
    write(graph_run, tmp_path, projection=("pca",))
    browser.get((tmp_path / "out.html").as_uri())
    assert browser.get_log("browser") == []
    data = data_of(tmp_path / "out.html")["images"]
    assert choose(browser, "colour-by", "class") == data["classes"]
    browser.execute_script(
        "const map = document.getElementById('points');"
        "const [x, y] = report.map.place(7), at = map.getBoundingClientRect();"
        "map.dispatchEvent(new PointerEvent('pointermove',"
        "{clientX: at.left + x, clientY: at.top + y}))"
    )
    text = browser.find_element("id", "tip").get_property("textContent")
    assert f"node 7, {data['notes'][7]}" in text
    shown = [data["names"][row] for row in data["neighbours"][7]]
    assert text.endswith("".join(shown))


def test_a_map_is_coloured_by_split(browser, unbroken, network, tmp_path):
    flags = {"split": "test,train", "projection": ("pca",), "checkpoints": 1}
    line, _ = write(unbroken[1], tmp_path, network, **flags)
    assert line["images"] == 36
    data = data_of(tmp_path / "out.html")["images"]
    assert data["split_of"] == [0] * 10 + [1] * 26
    browser.get((tmp_path / "out.html").as_uri())
    assert choose(browser, "colour-by", "split") == ["test", "train"]
    assert browser.get_log("browser") == []
