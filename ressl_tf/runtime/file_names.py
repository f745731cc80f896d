"""Names of files as text: a file system holds bytes that are no text."""

import os


def printable(name: str) -> str:
    r"""Escape what cannot be printed in a file's name, on one line.

    Args:
        name: as Python lists it: bytes that are no UTF-8 are lone surrogates.

    Returns:
        The same for an ordinary name; `caf\xe9.png`, `two\nlines.png` for others.
    """
    try:
        data = os.fsencode(name)
    except UnicodeEncodeError:  # surrogates that stand for no byte, of a JSON file
        data = name.encode("utf-8", "backslashreplace")
    text = data.decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
