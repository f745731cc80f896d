"""A page as a file: the template, its style and its scripts, all in one."""

import datetime
import importlib.resources
import pathlib
from typing import Any

import jinja2

from ressl_tf.evaluate import plots
from ressl_tf.evaluate.report import packed
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
    path: pathlib.Path, page: dict[str, Any], template: str = "report.html.j2"
) -> int:
    """Write a page, whole or not at all.

    Args:
        path: of the file.
        page: what the template names.
        template: of the folder `page`.

    Returns:
        Its size in bytes.

    Raises:
        RunError: it cannot be written.
    """
    text = render(page, template)
    try:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    return path.stat().st_size


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
        data=packed.plain({"charts": page["charts"], "images": page["images"]}),
        styles=[_read(name) for name in STYLES],
        scripts=[_read(name) for name in SCRIPTS],
        made=f"{made:%Y-%m-%d %H:%M} UTC",
    )


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")
