"""What is noted on the way through folders."""

import os

import pytest
from helpers.photos import flat, write

from ressl_tf.data.folder_walk import Walk, walk


def test_times_of_all_folders_that_were_entered(tmp_path):
    for place in ("a/x.png", "__MACOSX/y.png", ".hidden/z.png"):
        write(tmp_path / place, flat(1))
    seen = Walk(None)
    assert list(walk(str(tmp_path), seen)) == [str(tmp_path / "a/x.png")]
    folders = (tmp_path, tmp_path / "a")
    assert seen.times == {str(f): f.stat().st_mtime_ns for f in folders}
    assert seen.litter == [str(tmp_path / "__MACOSX")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_link_to_a_pipe_or_a_device_is_left_out_and_said(tmp_path, caplog):
    """Whoever reads a pipe waits; links to files and to nothing are images."""
    write(tmp_path / "a.png", flat(1))
    os.mkfifo(tmp_path / "b.png")
    targets = {"c.png": "a.png", "d.png": "b.png", "e.png": "no", "f.png": "/dev/zero"}
    for name, target in {**targets, "g.png": "g.png"}.items():
        (tmp_path / name).symlink_to(target)
    found = sorted(os.path.basename(path) for path in walk(str(tmp_path), Walk(None)))
    assert found == ["a.png", "c.png", "e.png", "g.png"]
    for name in ("d.png", "f.png"):
        assert f"{tmp_path / name} leads to what is no file: left out" in caplog.text
