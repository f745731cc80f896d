"""What is noted on the way through folders."""

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
