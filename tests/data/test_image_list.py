"""Text files, CSV and Parquet that list images."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from helpers.photos import flat, values, write

from ressl_tf.data.image_list import ImageList
from ressl_tf.data.load import load_source
from ressl_tf.runtime.errors import UsageError

ROWS = [  # path, label, split
    ("in/0.png", "10", "train"),
    ("in/1.png", "9", "Training"),
    ("in/2.png", "", "train"),
    ("in/3.png", "10", "val"),
    ("in/4.png", "2", "odd one"),
]


@pytest.fixture
def here(tmp_path):
    for number in range(5):
        write(tmp_path / "in" / f"{number}.png", flat(20 + number))
    return tmp_path


def written(folder, kind):
    path = folder / f"list.{kind}"
    if kind == "parquet":
        names = ("path", "label", "split")
        columns = dict(zip(names, map(list, zip(*ROWS, strict=True)), strict=True))
        columns["more"] = [1] * len(ROWS)
        pa.parquet.write_table(pa.table(columns), path)
        return str(path)
    comma = "\t" if kind == "tsv" else ","
    lines = [("split", "other", "Path", "label")]
    lines += [(split, '"a, b"', name, label) for name, label, split in ROWS]
    path.write_text("\ufeff" + "\n".join(map(comma.join, lines)) + "\n", "utf-8")
    return str(path)


def numbers(images):
    """Return the numbers in the names of files."""
    return [int(path[-5]) for path in images.paths]


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_a_table_has_paths_labels_and_splits(here, kind):
    path = written(here, kind)
    train = ImageList(path, "train")
    assert numbers(train) == [0, 1, 2]
    assert train.label_names == ("2", "9", "10")
    np.testing.assert_array_equal(train.labels, [2, 1, -1])
    assert numbers(ImageList(path, "validation")) == [3]
    assert numbers(ImageList(path, "odd one")) == [4]
    assert ImageList(path, "train", labels="none").label_names is None
    with pytest.raises(UsageError, match=r"splits Training, odd one, train, val\. Rec"):
        ImageList(path, "test")


def test_a_text_file_has_a_path_a_line(here):
    path = here / "list.txt"
    path.write_text(f"in/3.png\r\n\n{here}/in/1.png\nin/none.png\n")
    source = load_source(f"list:{path}", "train", on_bad_image="skip")
    assert values(source) == [23, 21]
    assert source.label_names is None
    assert source.example_name(0) == f"{here}/in/3.png"
    assert source.skipped == (f"{here}/in/none.png",)
    for split, labels, message in (
        ("test", "auto", "no column split.*'train'"),
        ("train", "folders", "add a column label"),
    ):
        with pytest.raises(UsageError, match=message):
            ImageList(str(path), split, labels=labels)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "file,label\nx.png,1\n", "a column path.*'file', 'label'"),
        ("a.csv", "", "a column path.*Received: nothing"),
        ("a.csv", "path,label\nx.png\n", "row 2 has 1 values, the first 2"),
        ("a.csv", "path,label\n,1\n", "no path in row 1"),
        ("a.csv", "path,label\n", "has no rows"),
        ("a.txt", "\n", "has no rows"),
        ("a.parquet", "text", "cannot read the list"),
        ("none.csv", None, "cannot read the list .*No such file"),
    ],
)
def test_what_is_no_list(name, text, message, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        ImageList(str(tmp_path / name), "train")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_list_may_have_several_labels_an_image(here, kind):
    """Their classes are those of all splits, whichever is opened."""
    names = [row[0] for row in ROWS]
    labels = [["dog", "person"], ["dog"], [], ["cat"], ["person"]]
    splits = ["train", "train", "train", "test", "test"]
    path = here / f"list.{kind}"
    if kind == "parquet":
        table = {"path": names, "labels": labels, "split": splits}
        pa.parquet.write_table(pa.table(table), path)
    else:
        rows = zip(names, map(";".join, labels), splits, strict=True)
        path.write_text("\n".join(["path,Labels,split", *map(",".join, rows)]))
    train, test = (ImageList(str(path), s).multi_labels() for s in ("train", "test"))
    assert train.names == test.names == ("cat", "dog", "person")
    assert train.states.tolist() == [[0, 1, 1], [0, 1, 0], [0, 0, 0]]
    assert test.states.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert ImageList(str(path), "train").label_names is None
    assert ImageList(str(path), "train", labels="none").multi_labels() is None


def test_a_list_of_one_label_an_image_shows_one_class(here):
    labels = ImageList(written(here, "csv"), "train").multi_labels()
    assert labels.names == ("2", "9", "10")
    assert labels.states.tolist() == [[0, 0, 1], [0, 1, 0], [-1, -1, -1]]
