"""Labels in a text file."""

from ressl_tf.data.annotations import read


def test_only_files_of_known_classes_are_labels(tmp_path):
    path = tmp_path / "val_annotations.txt"
    assert read(str(tmp_path), ["cat"]) is None
    path.write_text("0.JPEG\tcat\t0\t1\t2\t3\n\n1.JPEG\tdog\t0\t1\t2\t3\n")
    assert read(str(tmp_path), ["cat", "dog"]) == {"0.JPEG": "cat", "1.JPEG": "dog"}
    assert read(str(tmp_path), ["cat"]) is None
