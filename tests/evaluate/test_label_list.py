"""Images that a text file names keep their labels."""

import numpy as np
import pytest
from helpers.evaluating import shown, source
from helpers.photos import flat, write

from ressl_tf.data.load import load_source
from ressl_tf.evaluate.label_list import listed
from ressl_tf.runtime.errors import UsageError


@pytest.fixture(params=["memory", "none"], ids=["in memory", "read when used"])
def photos_of_three(request, tmp_path):
    """Return nine photos named as ImageNet's; the grey value is their number."""
    for number in range(9):
        name = f"n0{number // 3}_{number}.JPEG"
        write(tmp_path / "in" / f"n0{number // 3}" / name, flat(number))
    return load_source(f"folder:{tmp_path}/in", "train", cache=request.param)


def written(tmp_path, *lines):
    path = tmp_path / "list.txt"
    path.write_text("\n".join(lines))
    return str(path)


def labels(few):
    return [few.label_names[label] for label in few.all_labels()]


def values(few):
    return [int(few.example(np.int64(row))[0][0, 0, 0]) for row in range(few.size)]


def test_names_of_files_are_found_whatever_their_order(photos_of_three, tmp_path):
    path = written(tmp_path, "n01_4.JPEG", "", " n02_8.JPEG ", "n00_1.JPEG", "")
    few = listed(photos_of_three, path)
    assert values(few) == [1, 4, 8]
    assert labels(few) == ["n00", "n01", "n02"]
    path = written(tmp_path, "n00/n00_0.JPEG", f"{tmp_path}/in/n02/n02_6.JPEG")
    assert values(listed(photos_of_three, path)) == [0, 6]


def test_twice_counts_once_and_lacking_classes_are_named(
    photos_of_three, tmp_path, caplog
):
    path = written(tmp_path, "n00_1.JPEG", "n01_4.JPEG", "n00_1.JPEG")
    assert values(listed(photos_of_three, path)) == [1, 4]
    twice, lacking = (record.getMessage() for record in caplog.records)
    assert twice == f"{path}: twice or more, taken once: 'n00_1.JPEG'"
    assert "1 of 3 classes have no image in it" in lacking
    assert lacking.endswith("not learned: 'n02'")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["n00_1.JPEG", "n00_7.JPEG"],
            "1 of 2 names in .* such as '.*': 'n00_7.JPEG'$",
        ),
        (["01_4.JPEG"], "1 of 1 names in .* are no images of folder:"),
        (["n02/n01_4.JPEG"], "'n02/n01_4.JPEG'"),
        ([*"abcd"], "4 of 4 names .*: 'a', 'b', 'c', ... .4.$"),
        (["", " "], "--label_list names no image"),
        (None, "must be a text file with the name of an image a line.*No such file"),
    ],
)
def test_names_that_are_no_images(photos_of_three, tmp_path, lines, message):
    path = written(tmp_path, *lines) if lines else str(tmp_path / "none.txt")
    if lines == ["", " "]:
        path = written(tmp_path, *lines)
    with pytest.raises(UsageError, match=message) as caught:
        listed(photos_of_three, path)
    assert "\n" not in str(caught.value)


def test_a_name_of_two_images_needs_its_folder(tmp_path):
    for kind in "ab":
        write(tmp_path / "in" / kind / "1.png", flat(ord(kind)))
    both = load_source(f"folder:{tmp_path}/in", "train")
    with pytest.raises(UsageError, match=r"have the name '1\.png'; give the end"):
        listed(both, written(tmp_path, "1.png"))
    assert values(listed(both, written(tmp_path, "b/1.png"))) == [ord("b")]


def test_images_that_could_not_be_read_may_be_in_the_list(tmp_path, caplog):
    for number in range(3):
        write(tmp_path / "in" / "ab"[number % 2] / f"{number}.png", flat(number))
    (tmp_path / "in" / "a" / "bad.png").write_bytes(b"no image")
    some = load_source(f"folder:{tmp_path}/in", "train", on_bad_image="skip")
    few = listed(some, written(tmp_path, "bad.png", "1.png", "2.png"))
    assert values(few) == [1, 2] or values(few) == [2, 1]


def test_images_without_names_are_said_so(tmp_path):
    with pytest.raises(UsageError, match="called such as 'numbers, image 0'"):
        listed(source([0, 1]), written(tmp_path, "1.png"))
    assert shown(listed(source([0, 1]), written(tmp_path, "numbers, image 1"))) == [1]
