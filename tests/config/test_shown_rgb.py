"""`--rgb` is parsed and checked in one line."""

import pytest

from ressl_tf.config import Config
from ressl_tf.config.shown_rgb import places
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("rgb", "channels", "wanted"),
    [
        ("", 1, (0, 0, 0)),
        ("", 2, (0, 0, 0)),
        ("", 3, (0, 1, 2)),
        ("", 7, (0, 1, 2)),
        ("3,2,1", 3, (2, 1, 0)),
        ("7,1,7", 7, (6, 0, 6)),
        ("4", 4, (3, 3, 3)),
    ],
)
def test_channels_are_counted_from_one(rgb, channels, wanted):
    assert places(rgb, channels) == wanted


@pytest.mark.parametrize(
    "rgb", ["0,1,2", "5,1,2", "1,2", "1,2,3,4", "red", "1,,2", ","]
)
def test_channels_that_are_not_there_are_refused_in_one_line(rgb):
    with pytest.raises(UsageError, match=rf"of 1 to 4 .*3,2,1\. Received: {rgb}$"):
        Config(rgb=rgb, channels=4)


def test_what_is_shown_changes_no_run():
    (field,) = [f for f in Config.__dataclass_fields__.values() if f.name == "rgb"]
    assert field.metadata["free"]
