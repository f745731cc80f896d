"""Bytes that nearly are what a reader takes: cut, flipped, doubled, filled, joined."""

from hypothesis import strategies as st

# What numbers, brackets and quotes of formats break at.
PIECES = (
    *(b"", b"\0", b"\xff", b"\n", b",", b'"', b"{", b"[", b"-1", b"1e999", b"NaN"),
    *(b"null", b"\xff" * 8, b"\0" * 9, b"9" * 30, b"../", b"\x7f" + b"\xff" * 7),
)


def _edited(data, edits):
    for kind, place, amount, piece in edits:
        start = int(place * len(data))
        stop = min(len(data), start + amount)
        if kind == "cut":
            data = data[:start]
        elif kind == "remove":
            data = data[:start] + data[stop:]
        elif kind == "double":
            data = data[:stop] + data[start:]
        elif kind == "flip" and start < len(data):
            flipped = data[start] ^ (1 << amount % 8)
            data = data[:start] + bytes([flipped]) + data[start + 1 :]
        elif kind == "overwrite":
            data = data[:start] + piece + data[start + len(piece) :]
        elif kind == "insert":
            data = data[:start] + piece + data[start:]
    return data


def files(seeds):
    """Return a strategy of bytes: a seed after up to six edits.

    Args:
        seeds: files that the reader takes.
    """
    edit = st.tuples(
        st.sampled_from(["cut", "remove", "double", "flip", "overwrite", "insert"]),
        st.floats(0, 1),
        st.integers(1, 40),
        st.sampled_from(PIECES),
    )
    return st.builds(_edited, st.sampled_from(seeds), st.lists(edit, max_size=6))
