"""What --backbone may say besides the names of the table."""

import pytest

from ressl_tf.config import Config
from ressl_tf.config import own_backbone as names
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("/a/nets.py:make", "nets.py-make"),
        ("pkg.nets:make", "pkg.nets-make"),
        ("/a/net.keras", "net.keras"),
        ("keras:ResNet50", "keras-ResNet50"),
    ],
)
def test_own_networks_are_taken_and_name_the_folder_of_the_run(given, title):
    config = Config(backbone=given)
    assert config.backbone == given
    assert config.run_dir == f"runs/ressl-shapes-{title}-seed0"


def test_files_get_their_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Config(backbone="a.py:f").backbone == f"{tmp_path}/a.py:f"
    assert Config(backbone="b/a.keras").backbone == f"{tmp_path}/b/a.keras"
    assert Config(backbone="~/a.py:f").backbone.startswith("/")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"backbone": "resnet19"},
            r"one of resnet18.* file.keras, keras:NAME .* or hub:NAME.*net19",
        ),
        (
            {"backbone": "a.py:f", "width": 0.5},
            "--width is of the networks of ressl_tf",
        ),
        ({"backbone": "a.keras", "stem": "small"}, "--stem is of .*--stem=small"),
        ({"init_from": "own"}, "--init_from=own keeps .*resnet18, which has none yet"),
    ],
)
def test_what_is_neither_is_one_line(flags, message):
    with pytest.raises(UsageError, match=message) as error:
        Config(**flags)
    assert "\n" not in str(error.value)


def test_only_functions_are_in_code():
    given = ("a.py:f", "p.m:f", "a.keras", "keras:VGG16", "resnet18")
    assert [names.in_code(name) for name in given] == [True, True, False, False, False]
