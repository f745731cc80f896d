"""Lists of large folders, kept until a folder changes."""

import os
import time

import pytest
from helpers.photos import flat, write

from ressl_tf.data import listing, listing_cache
from ressl_tf.data.listing import list_images


@pytest.fixture
def many(tmp_path, monkeypatch):
    """Write files whose folders changed long ago, and count the walks."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(listing_cache, "LEAST", 3)
    root = tmp_path / "in"
    odd = os.fsdecode(b"b/o\ndd \xff.png")
    for place in ("a/x.png", odd, "a.png", "b/inner/y.png", "z.txt", "@eaDir/x.png"):
        write(root / place, flat(1))
    walks = []
    walk = listing.walk
    monkeypatch.setattr(listing, "walk", lambda *a: walks.append(a) or walk(*a))
    return root, walks


def settle(root):
    """Give all folders a time of some days ago."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, (1e9, 1e9))


def test_a_kept_list_is_the_list(many, caplog):
    root, walks = many
    settle(root)
    first = list_images(str(root), None)
    told = caplog.text
    caplog.clear()
    assert list_images(str(root), None) == first
    assert len(walks) == 1
    assert caplog.text == told
    assert first == sorted(first)
    assert len(first) == 4


@pytest.mark.parametrize("change", ["a/new.png", "b/inner/new.png", "c/new.png"])
def test_a_change_is_seen(many, change):
    root, _ = many
    settle(root)
    first = list_images(str(root), None)
    write(root / change, flat(1))
    assert list_images(str(root), None) == sorted([*first, str(root / change)])
    os.remove(root / change)
    assert list_images(str(root), None) == first


def test_a_list_of_folders_that_have_just_changed_is_not_trusted(many):
    root, walks = many
    for folder, _, _ in os.walk(root):
        os.utime(folder, (time.time(), time.time()))
    list_images(str(root), None)
    list_images(str(root), None)
    assert len(walks) == 2


def test_small_and_incomplete_lists_are_not_kept(many, monkeypatch, tmp_path):
    root, _ = many
    settle(root)
    monkeypatch.setattr(listing_cache, "LEAST", 5)
    list_images(str(root), [])
    assert not (tmp_path / "cache").exists()


def test_a_damaged_list_is_made_anew(many, tmp_path):
    root, walks = many
    settle(root)
    first = list_images(str(root), None)
    (kept,) = (tmp_path / "cache" / "ressl_tf").iterdir()
    for text in (b"", b"{}\n", b"\xff\n"):
        kept.write_bytes(text)
        assert list_images(str(root), None) == first
    assert len(walks) == 4
