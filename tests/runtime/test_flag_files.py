"""`--flagfile` finds a file of the user's first, then one of the package's."""

import json

import pytest

from ressl_tf.config import Config
from ressl_tf.runtime import flag_files, flags
from ressl_tf.runtime.errors import UsageError


def backbone(*arguments):
    return flags.parse(Config, arguments).backbone


@pytest.mark.parametrize("name", ["r50.flags", "configs/r50.flags"])
def test_the_working_directory_comes_first(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert backbone(f"--flagfile={name}") == "resnet50"  # of the package
    assert backbone("--flagfile", name) == "resnet50"
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("--backbone=resnet34\n")
    assert backbone(f"--flagfile={name}") == "resnet34"


def test_a_file_may_begin_with_one_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.flags").write_text("--flagfile=r50.flags\n--queue_size=64\n")
    config = flags.parse(Config, ["--flagfile=mine.flags"])
    assert (config.backbone, config.queue_size) == ("resnet50", 64)


@pytest.mark.parametrize("name", ["r5.flags", "conf/r50.flags", "/x/r50.flags"])
def test_a_name_that_is_nowhere_gets_the_nearest(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"the nearest: r50\.flags.*Received: ") as e:
        backbone(f"--flagfile={name}")
    assert name in str(e.value)
    assert "\n" not in str(e.value)


def test_nothing_is_near_to_nonsense():
    with pytest.raises(UsageError, match=r"configs` lists\. Received: zzzz"):
        flag_files.in_package("zzzz")


def test_an_installed_package_has_them_inside(tmp_path, monkeypatch):
    packed = tmp_path / "flagfiles.json"
    packed.write_text(json.dumps({"only.flags": "# Mine\n--seed=3\n"}))
    monkeypatch.setattr(flag_files, "INSTALLED", packed)
    assert list(flag_files.texts()) == ["only.flags"]
    assert flags.parse(Config, ["--flagfile=only.flags"]).seed == 3


@pytest.mark.parametrize("letters", [61, 5000])
def test_a_name_of_many_letters_is_refused_at_once(letters, tmp_path):
    """And shown in part; values may be as long as they like."""
    name = "--" + "a" * (letters - 2)
    path = tmp_path / "long.flags"
    path.write_text(f"{name}=3\n")
    for word in (f"--flagfile={path}", name, f"{name}=3"):
        with pytest.raises(UsageError, match=rf"over 60 letters.*a\.\.\. of {letters}"):
            flags.parse(Config, [word])
    long = "folder:/" + "a" * letters
    assert flags.parse(Config, [f"--dataset={long}"]).dataset == long
