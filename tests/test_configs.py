"""`ressl-tf configs` lists the configs and writes one to edit."""

import pathlib

import pytest

from ressl_tf import configs
from ressl_tf.config.listing_config import ConfigsConfig
from ressl_tf.runtime.errors import UsageError

CONFIGS = pathlib.Path(__file__).parents[1] / "configs"


def test_all_are_listed_with_the_first_line_of_their_header():
    listed = configs.main(ConfigsConfig())["configs"]
    assert set(listed) == {path.name for path in CONFIGS.glob("*.flags")}
    first = "ReSSL on the embedded set of shapes, whole, for two CPU cores"
    assert listed["demo.flags"] == first


@pytest.mark.parametrize("name", ["r50", "r50.flags", "configs/r50.flags"])
def test_a_copy_is_the_same_and_nothing_is_overwritten(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert configs.main(ConfigsConfig(copy=name))["written"] == "r50.flags"
    written = (tmp_path / "r50.flags").read_bytes()
    assert written == (CONFIGS / "r50.flags").read_bytes()
    with pytest.raises(UsageError, match=r"r50\.flags is there already"):
        configs.main(ConfigsConfig(copy=name))
    configs.main(ConfigsConfig(copy=name, output="mine.flags"))
    assert (tmp_path / "mine.flags").read_bytes() == written


def test_one_is_shown_whole(caplog):
    caplog.set_level("INFO", "ressl_tf")
    assert configs.main(ConfigsConfig(show="demo"))["config"] == "demo.flags"
    assert (CONFIGS / "demo.flags").read_text().strip() in caplog.text


def test_a_name_that_is_not_there_gets_the_nearest():
    with pytest.raises(UsageError, match=r"nearest: r50\.flags.*Received: r51"):
        configs.main(ConfigsConfig(copy="r51"))
    with pytest.raises(UsageError, match="give one of --copy and --show"):
        ConfigsConfig(copy="r50", show="r50")
    with pytest.raises(UsageError, match="--output is of --copy"):
        ConfigsConfig(output="r50")
