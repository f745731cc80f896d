"""A page as a file: the template, its style and its scripts, all in one."""

import datetime
import hashlib
import importlib.resources
import json
import pathlib
import re
from typing import Any
from urllib.parse import quote

import jinja2

from ressl_tf.evaluate import plots
from ressl_tf.evaluate.report import packed
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError

PAGE = importlib.resources.files(__package__) / "page"
SCRIPTS = ("uPlot.iife.min.js", "page.js", "curves.js", "map.js", "relations.js")
OWN = re.compile(r"(plain|weak|strong|data)(-\d+)?-[0-9a-f]{12}\.(jpg|js)")
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
    beside = path.with_name(f"{path.stem}_data")
    files: dict[str, bytes] = {}
    alone = all(len(some) == 1 for some in (sheets or {}).values())
    if alone:
        uris = {n: packed.data_uri(p, "image/jpeg") for n, p in pictures.items()}
        page |= {"data": data, "data_file": "", "sheets": uris}
    else:
        files, named = _files(pictures, data)
        addresses = {n: f"{quote(beside.name)}/{file}" for n, file in named.items()}
        page |= {"data": None, "data_file": addresses.pop("data"), "sheets": addresses}
    try:
        return _write(path, render(page, template), beside, files)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def _files(
    pictures: dict[str, bytes], data: dict[str, Any]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return file name -> content, and name -> file name; names tell contents."""
    script = f"window.reportData = {json.dumps(data)};\n".encode()
    contents = {f"{name}.jpg": picture for name, picture in pictures.items()}
    contents["data.js"] = script
    files, named = {}, {}
    for file, content in contents.items():
        name, _, ending = file.partition(".")
        named[name] = f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        files[named[name]] = content
    return files, named


def _write(
    path: pathlib.Path, text: str, beside: pathlib.Path, files: dict[str, bytes]
) -> int:
    """Write the files beside the page, then it; remove those of an earlier one."""
    for name, content in files.items():
        beside.mkdir(exist_ok=True)
        with replacing(beside / name) as temporary:
            temporary.write_bytes(content)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if beside.is_dir():
        for old in beside.iterdir():
            if OWN.fullmatch(old.name) and old.name not in files:
                old.unlink()
        if not any(beside.iterdir()):
            beside.rmdir()
    return path.stat().st_size + sum(map(len, files.values()))


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
