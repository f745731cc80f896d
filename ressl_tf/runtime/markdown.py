"""Tables in Markdown."""

import html
import re
from collections.abc import Sequence

from ressl_tf.runtime.file_names import printable


def plain(text: str) -> str:
    """Return a name as Markdown shows it: no HTML, no link, one line.

    Names of classes and folders may be anybody's.
    """
    shown = html.escape(printable(text), quote=False)
    return re.sub(r"([\\`*\[\]])", r"\\\1", " ".join(shown.split()))


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, aligned: bool = True
) -> str:
    """Return a table in Markdown, without a line break at its end.

    Args:
        titles: Titles of the columns.
        rows: Cells; one that contains `|` is escaped.
        aligned: Whether to pad the cells, so that the columns line up in the source
            too.
    """
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [titles, *rows]]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    if not aligned:
        lines = [f"| {' | '.join(row)} |" for row in cells]
        return "\n".join([lines[0], "|---" * len(titles) + "|", *lines[1:]])
    padded = [
        [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for row in [cells[0], ["-" * width for width in widths], *cells[1:]]
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in padded)
