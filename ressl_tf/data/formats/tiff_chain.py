"""The chain of a TIFF's pages, followed before a library does."""

import struct

MOST_PAGES = 10_000
# After "II" or "MM": of the classic format and of BigTIFF, where the first offset is,
# how a number of entries and an offset are packed, and the bytes of an entry.
KINDS = {42: (4, "H", "I", 12), 43: (8, "Q", "Q", 20)}


def check_chain(data: bytes) -> None:
    """Refuse pages that lead back to one before, which would be read without end.

    Raises:
        ValueError: they do, or are too many.
    """
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    try:
        start, count, offset, entry = KINDS[struct.unpack_from(order + "H", data, 2)[0]]
        seen: set[int] = set()
        (place,) = struct.unpack_from(order + offset, data, start)
        while place:
            if place in seen or len(seen) == MOST_PAGES:
                raise ValueError(f"its pages go in a circle, or are over {MOST_PAGES}")
            seen.add(place)
            (entries,) = struct.unpack_from(order + count, data, place)
            after = place + struct.calcsize(order + count) + entry * entries
            (place,) = struct.unpack_from(order + offset, data, after)
    except (struct.error, KeyError, OverflowError):
        return  # it is cut; the library says where
