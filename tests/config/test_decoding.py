"""How images are decoded, as flags say it."""

import pytest

from ressl_tf.config import Config
from ressl_tf.config.decoding import Decoding, as_decoding, bounds
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize("value", ["5", "5,1", "a,b", "0,inf", "1,2,3", "nan,1", ""])
def test_no_range(value):
    for make in (
        lambda: Decoding(value_range=value),
        lambda: Config(value_range=value),
    ):
        with pytest.raises(UsageError, match="two rising numbers"):
            make()
    with pytest.raises(UsageError, match="exif is apply, ignore"):
        Decoding(exif=value)


def test_numbers_and_words():
    assert bounds("-1000,400.5") == (-1000, 400.5)
    assert bounds("percentiles") is None
    assert as_decoding("auto", "dtype") == Decoding(value_range="dtype")
    assert as_decoding("ignore", "auto", 9) == Decoding(9, "ignore")
