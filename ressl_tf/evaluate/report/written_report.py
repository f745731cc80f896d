"""Collect what a page shows of one run, and write it."""

import dataclasses
import logging
import pathlib
from typing import Any

import tensorflow as tf

from ressl_tf.config import Config, shown_rgb
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.config.unused_flags import meant
from ressl_tf.engine.workdir import read_rows
from ressl_tf.evaluate.report import (
    compared_runs,
    image_section,
    logged_curves,
    packed,
    page_file,
    points,
    run_facts,
    shown_images,
    verdict,
)
from ressl_tf.evaluate.report.shown_images import Reading, ShownImages
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import run_config

log = logging.getLogger("ressl_tf")
VIEWS = "views.png"
QUALITY = 85  # of the views'


def write(config: ReportConfig, reading: Reading | None = None) -> dict[str, Any]:
    """Write the report of a run, or the comparison of several.

    What cannot be drawn is named in the page, and all else is drawn: of a run whose
    images have moved, the curves.

    Args:
        config: of the report.
        reading: of the run's images, where its model is in memory.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: there is no run, or the file cannot be written.
        RunError: the log or the config is damaged.
    """
    places = compared_runs.runs_in(config.workdirs)
    if len(places) > 1:
        return compared_runs.write(config, places)
    place = places[0]
    run = run_config(place)
    shown_rgb.places(config.rgb, run.channels)
    page_file.check(config.path)
    content = _content(config, run, place, reading or Reading())
    page = page_of(place, run, content.data)
    rows = page.pop("rows")
    page |= {
        "missing": content.missing,
        "about": content.about,
        "facts": run_facts.facts(run, rows, content.about),
    }
    size = page_file.write(config.path, page, sheets=content.sheets)
    log.info("%s (%.1f MB)", config.path, size / 1e6)
    return {
        "report": str(config.path),
        "bytes": size,
        "workdir": str(place),
        "verdict": page["findings"][0].title,
        "images": (content.data or {}).get("count", 0),
        "not_shown": content.missing or None,
    }


@dataclasses.dataclass(frozen=True)
class Content:
    """What a page shows of images or nodes.

    Attributes:
        data: for its scripts; None where nothing can be shown.
        about: what is shown, in words.
        sheets: name -> pictures of thumbnails.
        missing: why nothing is shown; empty otherwise.
    """

    data: dict[str, Any] | None = None
    about: str = "none"
    sheets: dict[str, list[bytes]] = dataclasses.field(default_factory=dict)
    missing: str = ""


def _content(
    config: ReportConfig,
    run: Config,
    place: pathlib.Path,
    reading: Reading,
) -> Content:
    """Collect what can be shown, or say why that is nothing."""
    try:
        if run.kind.points:
            return _of_points(config, points.points_of(config, run, place))
        if run.kind.prefix:
            return Content(missing=f"{run.dataset} holds no images")
        shown = shown_images.show(config, run, reading)
    except (UsageError, RunError) as error:
        log.warning("the page has no map: %s", error)
        return Content(missing=str(error))
    data = image_section.image_data(config, run, shown)
    return Content(data, shown.about, _sheets(shown))


def _of_points(config: ReportConfig, shown: points.Points) -> Content:
    data = image_section.map_data(
        config, shown.vectors, shown.labels, shown.label_names, shown.names
    )
    data |= {"things": shown.things, "notes": shown.notes}
    data |= {"side": 0, "splits": [], "relations": None}
    return Content(data, shown.about)


def page_of(
    place: pathlib.Path, run: Config, data: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the parts of a page that a run's log and config give.

    Args:
        place: the workdir.
        run: its config.
        data: of the images; None where they cannot be shown.
    """
    rows = read_rows(place)
    found = verdict.findings(rows, meant(vars(run)), _suggestion(data))
    curves = logged_curves.charts({"": rows})
    return {
        "title": str(place),
        "rows": rows,
        "findings": found,
        "flags": run_facts.differing_flags(run),
        "command": run_facts.command_of(run),
        "views": _views_sheet(place),
        "charts": logged_curves.with_levels(curves, place, rows),
        "images": data,
    }


def _suggestion(data: dict[str, Any] | None) -> str:
    suitable = ((data or {}).get("relations") or {}).get("suitable")
    return f"{suitable[0]:.2g} to {suitable[1]:.2g}" if suitable else ""


def _views_sheet(place: pathlib.Path) -> str:
    path = place / VIEWS
    if not path.is_file():
        return ""
    try:
        drawn = tf.io.decode_png(path.read_bytes(), channels=3)
    except tf.errors.OpError:
        log.warning("%s cannot be read: the page leaves it out", path)
        return ""
    picture = tf.io.encode_jpeg(drawn, quality=QUALITY).numpy()  # a third of the PNG
    return packed.data_uri(picture, "image/jpeg")


def _sheets(shown: ShownImages) -> dict[str, list[bytes]]:
    sheets = {"plain": shown.plain}
    if shown.snapshots:
        sheets |= {"weak": shown.weak, "strong": shown.strong}
    return {name: sheet.jpegs() for name, sheet in sheets.items()}
