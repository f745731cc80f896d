"""Several folders and files as one set."""

import json
import os

import numpy as np
import pytest

from ressl_tf.data.load import load_source
from ressl_tf.data.python_data import as_dataset
from ressl_tf.runtime.errors import UsageError


def test_folders_are_joined_by_the_names_of_their_classes(photos, tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("blue", "green"):
        (tmp_path / "more" / name).symlink_to(photos / "train" / "blue")
    name = as_dataset([photos / "train", tmp_path / "more"], tmp_path)
    source = load_source(name, "train")
    assert source.size == 26 + 2 * 13
    assert source.label_names == ("blue", "green", "red")
    counts = np.bincount(source.all_labels())
    np.testing.assert_array_equal(counts, [26, 13, 13])
    single = load_source(f"folder:{photos / 'train'}", "train")
    np.testing.assert_array_equal(source.images[:26], single.images)


def test_a_list_of_files_keeps_its_order_and_has_no_labels(photos, tmp_path):
    red = [photos / "train" / "red" / f"{i}.png" for i in (5, 2)]
    odd = tmp_path / os.fsdecode(b"a\n\xff.png")
    odd.write_bytes(red[0].read_bytes())
    source = load_source(as_dataset([*red, odd], tmp_path), "train")
    assert source.label_names is None
    assert [source.example_name(i) for i in range(3)] == [*map(str, red), str(odd)]
    np.testing.assert_array_equal(source.images[0], source.images[2])


def test_a_list_may_be_written_by_hand(photos, tmp_path):
    path = tmp_path / "list.json"
    relative = os.path.relpath(photos / "train" / "red", tmp_path)
    path.write_text(json.dumps([relative]))
    assert load_source(f"files:{path}", "train").size == 13


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a JSON array of paths"),
        ("[]", "a JSON array of paths"),
        ("[1]", "a JSON array of paths"),
        ('["none.png"]', "no such file or folder.*none.png"),
    ],
)
def test_what_is_no_list_is_refused(text, message, tmp_path):
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_source(f"files:{path}", "train")
    with pytest.raises(UsageError, match="a JSON array of paths"):
        load_source(f"files:{tmp_path}/none.json", "train")


def test_a_split_that_files_do_not_have(photos, tmp_path):
    name = as_dataset([photos / "train" / "red" / "1.png"], tmp_path)
    with pytest.raises(UsageError, match="the split train alone"):
        load_source(name, "test")
