"""A page as a file: the template, its style and its scripts, all in one."""

import datetime
import importlib.resources
import pathlib
from typing import Any

import jinja2

from ressl_tf.evaluate import plots
from ressl_tf.evaluate.report import packed, page_folder
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError

PAGE = importlib.resources.files(__package__) / "page"
SCRIPTS = ("uPlot.iife.min.js", "page.js", "curves.js", "map.js", "relations.js")
STYLES = ("uPlot.min.css", "report.css")


def check(path: pathlib.Path) -> None:
    """Refuse a file that cannot be written, before the work.

    Raises:
        UsageError: it is a folder, or its folder cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"--output must be a file. Received: {path}, a folder")
    plots.check_folder(path.parent)


def write(
    path: pathlib.Path,
    page: dict[str, Any],
    sheets: dict[str, list[bytes]] | None = None,
    template: str = "report.html.j2",
) -> int:
    """Write a page, whole or not at all.

    What is over 2,000 images goes into a folder beside it, under names that no earlier
    page has: while they are written, the earlier page stays whole.

    Args:
        path: of the file.
        page: what the template names.
        sheets: name -> pictures of thumbnails, JPEG.
        template: of the folder `page`.

    Returns:
        Bytes of all that is written.

    Raises:
        RunError: it cannot be written.
    """
    data = packed.plain({"charts": page["charts"], "images": page["images"]})
    pictures = {
        f"{name}-{index}": picture
        for name, some in (sheets or {}).items()
        for index, picture in enumerate(some)
    }
    beside = page_folder.Folder(path, {})
    if all(len(some) == 1 for some in (sheets or {}).values()):
        uris = {n: packed.data_uri(p, "image/jpeg") for n, p in pictures.items()}
        page |= {"data": data, "data_file": "", "sheets": uris}
    else:
        beside = page_folder.filled(path, pictures, data)
        addresses = beside.addresses
        page |= {"data": None, "data_file": addresses.pop("data"), "sheets": addresses}
    try:
        beside.write()
        with replacing(path) as temporary:
            # Bytes of names that are no text: a page can only show which.
            encoded = render(page, template).encode("utf-8", "backslashreplace")
            temporary.write_bytes(encoded)
        beside.remove_others()
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    return path.stat().st_size + sum(map(len, beside.files.values()))


def render(page: dict[str, Any], template: str) -> str:
    """Return the HTML. Names of files and classes stay text: all is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made = datetime.datetime.now(datetime.timezone.utc)
    return environment.get_template(template).render(
        page,
        styles=[_read(name) for name in STYLES],
        scripts=[_read(name) for name in SCRIPTS],
        made=f"{made:%Y-%m-%d %H:%M} UTC",
    )


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")
