"""Numbers of formats, and JSON files that are damaged."""

import json

import pytest

from ressl_tf.runtime import stored
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.mark.parametrize("kind", stored.FORMATS)
def test_a_later_format_is_refused_in_one_line(kind):
    known = stored.FORMATS[kind]
    stored.check_format({}, kind, "a")  # the first had no number
    stored.check_format({"format_number": known}, kind, "a")
    for number in (known + 1, 0, "2", None, True, 1.0):
        with pytest.raises(UsageError) as error:
            stored.check_format({"format_number": number}, kind, "the/place")
        assert str(error.value).startswith(
            f"the/place is a {kind} of format {number!r}"
        )
        assert f"reads up to {known}" in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"\xff", b'{"a":' * 99_999, b"null"]
)
def test_a_damaged_file_is_one_line(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=rf"{path} is damaged: .") as error:
        stored.read_object(path)
    assert "\n" not in str(error.value)


def test_a_config_is_read_without_its_number(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"a": 1, "format_number": 1}))
    assert stored.read_config(tmp_path) == {"a": 1}
    (tmp_path / "config.json").write_text(json.dumps({"a": 1, "format_number": 7}))
    with pytest.raises(UsageError, match=rf"{tmp_path} is a run of format 7"):
        stored.read_config(tmp_path)
    with pytest.raises(RunError, match="No such file"):
        stored.read_object(tmp_path / "no.json")
