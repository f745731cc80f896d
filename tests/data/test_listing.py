"""The images below a folder, and what is left out."""

import logging
import os

from helpers.photos import flat, write

from ressl_tf.data.listing import first_image, list_images, sub_folders


def test_every_kind_that_is_left_out_is_counted(tmp_path, caplog):
    write(tmp_path / "a.png", flat(1))
    for number, kind in enumerate(["xmp", "txt", "svg", "mp4", "pdf"]):
        for copy in range(number + 1):
            write(tmp_path / f"{copy}.{kind}", b"x")
    with caplog.at_level(logging.INFO, "ressl_tf"):
        assert list_images(str(tmp_path), None) == [str(tmp_path / "a.png")]
    assert "5 x .pdf, 4 x .mp4, 3 x .svg, 2 x .txt, 1 x .xmp" in caplog.text


def test_litter_is_named_and_not_entered(tmp_path, caplog):
    for place in ("a/x.png", "a/@eaDir/x.jpg", "__MACOSX/a/x.png", ".git/x.png"):
        write(tmp_path / place, flat(1))
    with caplog.at_level(logging.INFO, "ressl_tf"):
        assert list_images(str(tmp_path), None) == [str(tmp_path / "a/x.png")]
    assert f"{tmp_path}/__MACOSX, {tmp_path}/a/@eaDir" in caplog.text
    assert sub_folders(str(tmp_path)) == ["a"]


def test_the_first_image_of_a_folder(tmp_path):
    write(tmp_path / "a" / "b" / "x.WebP", b"x")
    assert first_image(str(tmp_path)) == str(tmp_path / "a/b/x.WebP")
    assert first_image(str(tmp_path), deep=False) is None
    assert first_image(str(tmp_path / "nowhere")) is None


def test_no_file_is_looked_up_but_links(tmp_path, monkeypatch):
    """A look-up of each file takes 20 s for a million on a local disk."""
    for place in ("a/x.png", "a/y.png", "b/z.png", "other/w.png"):
        write(tmp_path / "in" / place, flat(1))
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "in/a/x.png")
    (tmp_path / "in" / "broken.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in" / "circle.png").symlink_to(tmp_path / "in/circle.png")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "in" / "other")
    looked_up = []
    stat = os.stat

    def seen(path, **options):
        looked_up.append(os.path.basename(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", seen)
    monkeypatch.setattr(os.path, "isfile", None)
    monkeypatch.setattr(os.path, "isdir", None)
    found = list_images(str(tmp_path / "in"), None)
    names = ["a/x", "a/y", "b/z", "broken", "circle", "link", "linked/w", "other/w"]
    assert found == [str(tmp_path / "in" / f"{name}.png") for name in names]
    links = {"link.png", "broken.png", "circle.png"}
    assert set(looked_up) == {"in", "a", "b", "other", "linked"} | links
    assert len(looked_up) == 5 + 3
