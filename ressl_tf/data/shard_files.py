"""The files of a set that is kept in shards, and which of them a split is."""

import os
import re

from ressl_tf.data.splits import split_of
from ressl_tf.runtime import storage
from ressl_tf.runtime.errors import UsageError

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")  # {000000..000146}
WORD = re.compile(r"[A-Za-z]+")


def shard_files(path: str, ends: tuple[str, ...], name: str) -> list[str]:
    """List the shards that a path stands for, in order.

    Args:
        path: a file, a folder, a pattern such as /data/train-*.tar, or a range,
            /data/train-{000000..000146}.tar.
        ends: of the names of shards in a folder.
        name: of the set, for messages.

    Raises:
        UsageError: there are none, or one of a range is missing.
    """
    found = RANGE.search(path)
    if storage.is_folder(path):
        with storage.scan(path) as entries:
            files = [entry.path for entry in entries if entry.name.endswith(ends)]
    elif found:
        first, last = found[1], found[2]
        numbers = range(int(first), int(last) + 1)
        around = path[: found.start()], path[found.end() :]
        files = [f"{around[0]}{n:0{len(first)}d}{around[1]}" for n in numbers]
    else:
        files = storage.matching(path) or [path]
    missing = [file for file in sorted(files) if not storage.is_file(file)]
    if missing or not files:
        what = f"no such file: {missing[0]}" if missing else f"no {ends[0]} in it"
        raise UsageError(
            f"--dataset={name} is a shard, a folder of shards, a pattern or a range "
            f"{{000..146}} ({what})"
        )
    return sorted(files)


def of_split(files: list[str], split: str, name: str) -> list[str]:
    """Return the shards of a split, by the word that their names begin with.

    Where no name begins with such a word, all of them are "train".

    Raises:
        UsageError: there is no such split.
    """
    words = [WORD.match(os.path.basename(file)) for file in files]
    splits = [split_of(word[0]) if word else None for word in words]
    if not any(splits):
        splits = ["train"] * len(files)
    wanted = split_of(split) or split
    chosen = [f for f, s in zip(files, splits, strict=True) if s == wanted]
    if not chosen:
        there = ", ".join(sorted({s or "(no word)" for s in splits}))
        raise UsageError(
            f"{name} has shards of the splits {there}, by how their names begin. "
            f"Received: {split!r}"
        )
    return chosen
