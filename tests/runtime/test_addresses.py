"""Which addresses TensorFlow reads here, and what is said of others."""

import builtins
import sys

import pytest

from ressl_tf.runtime import addresses


@pytest.mark.parametrize(
    "path", ["gs://b/run", "GS://b", "s3:/b", "ram://a", "x-y://z"]
)
def test_addresses_are_told_from_paths(path):
    assert addresses.is_address(path)


@pytest.mark.parametrize("path", ["", "C:/a", "C://a", "/a", "a:b", "./gs://b", "a/b"])
def test_paths_are_no_addresses(path):
    assert not addresses.is_address(path)


def test_what_tensorflow_knows_is_allowed():
    assert addresses.why_unknown("ram://a") == addresses.why_unknown("gs://b/c") == ""


@pytest.mark.parametrize("path", ["nix://a", "file:///a", "ram:/a", "RAM://a"])
def test_any_other_is_named_beside_those_there_are(path):
    reason = addresses.why_unknown(path)
    scheme = path.partition(":")[0]
    assert reason.startswith(f"TensorFlow has no file system {scheme}:// here, but ")
    assert "gs://, ram://" in reason
    assert "file://, " not in reason


def test_the_plugin_is_asked_for_a_scheme_that_is_not_there(tmp_path, monkeypatch):
    plugin = (
        "import builtins\nbuiltins.asked = True\nraise ImportError('no CPU for it')"
    )
    (tmp_path / "tensorflow_io.py").write_text(plugin)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("builtins.asked", False, raising=False)
    assert addresses.why_unknown("ram://a") == ""
    assert not builtins.asked
    assert "no file system nix://" in addresses.why_unknown("nix://a")
    assert builtins.asked
    assert "tensorflow_io" not in sys.modules
