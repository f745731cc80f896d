"""The images below a folder, and what is left out."""

import logging

from helpers.photos import flat, write

from ressl_tf.data.listing import first_image, list_images, sub_folders


def test_every_kind_that_is_left_out_is_counted(tmp_path, caplog):
    write(tmp_path / "a.png", flat(1))
    for number, kind in enumerate(["xmp", "txt", "heic", "mp4", "tif"]):
        for copy in range(number + 1):
            write(tmp_path / f"{copy}.{kind}", b"x")
    with caplog.at_level(logging.INFO, "ressl_tf"):
        assert list_images(str(tmp_path), None) == [str(tmp_path / "a.png")]
    assert "5 x .tif, 4 x .mp4, 3 x .heic, 2 x .txt, 1 x .xmp" in caplog.text


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
