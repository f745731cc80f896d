"""More images than one page holds: their pictures are in a folder beside it."""

import pytest
from helpers.pages import REQUESTED, wait

from ressl_tf.config.report_config import ReportConfig
from ressl_tf.evaluate.report import (
    image_section,
    page_file,
    thumbnails,
    written_report,
)


@pytest.fixture
def beside(unbroken, odd_photos, tmp_path, monkeypatch):
    """Write a report whose images are in a folder beside it."""
    for module in (thumbnails, image_section):
        monkeypatch.setattr(module, "PER_FILE", 12)
    folder = tmp_path / "a folder # 1"
    folder.mkdir()
    config = ReportConfig(
        workdir=str(unbroken[1]),
        output=str(folder / "many.html"),
        dataset=f"folder:{odd_photos}",
        labels="folders",
        projection=("pca",),
        checkpoints=1,
    )
    return written_report.write(config), folder


@pytest.mark.slow
def test_more_images_are_in_a_folder_beside_the_page(browser, beside):
    line, folder = beside
    names = {path.name.rpartition("-")[0] for path in folder.glob("many_data/*")}
    assert len(names) == 10  # three of each view, and the data
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert line["bytes"] == sum(path.stat().st_size for path in files)
    browser.get((folder / "many.html").as_uri())
    wait(browser, "return !!document.getElementById('relations').dataset.ready")
    browser.execute_script("report.choose(29)")
    asked = browser.execute_script(f"return {REQUESTED}")
    assert all(name.startswith((folder.as_uri(), "data:")) for name in asked)
    loaded = browser.execute_async_script(
        "const done = arguments[0];"
        "const node = document.querySelector('#teacher-view .thumb');"
        "const picture = new Image();"
        "picture.onload = picture.onerror = () => done([picture.src, picture.width]);"
        "picture.src = getComputedStyle(node).backgroundImage.slice(5, -2)"
    )
    assert "weak-2-" in loaded[0]  # image 29 is in the third
    assert loaded[1] == 4 * 16  # thumbnails in a row
    assert browser.get_log("browser") == []


def test_pictures_of_an_earlier_page_are_removed(tmp_path):
    path, kept = tmp_path / "a.html", tmp_path / "a_data" / "notes.txt"
    page = {n: [] for n in ("charts", "runs", "headings", "flags", "spreads")}
    page |= {"title": "", "images": None}
    for pictures in ([b"one", b"two"], [b"one", b"three"]):
        page_file.write(path, dict(page), {"plain": pictures}, "compare.html.j2")
        kept.write_text("mine")
    there = {p.read_bytes() for p in kept.parent.glob("plain-*.jpg")}
    assert there == {b"one", b"three"}
    page_file.write(path, dict(page), {"plain": [b"one"]}, "compare.html.j2")
    assert [p.name for p in kept.parent.iterdir()] == ["notes.txt"]
    kept.unlink()
    page_file.write(path, dict(page), {"plain": [b"one"]}, "compare.html.j2")
    assert not kept.parent.exists()
