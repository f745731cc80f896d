"""Collect what a page shows of one run, and write it."""

import logging
import pathlib
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.config.unused_flags import meant
from ressl_tf.evaluate.report import (
    compared_runs,
    image_section,
    logged_curves,
    packed,
    page_file,
    run_facts,
    shown_images,
    verdict,
)
from ressl_tf.evaluate.report.shown_images import ShownImages
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import RunError, UsageError

log = logging.getLogger("ressl_tf")
VIEWS = "views.png"


def write(config: ReportConfig, model: ImageSSL | None = None) -> dict[str, Any]:
    """Write the report of a run, or the comparison of several.

    What cannot be drawn is named in the page, and all else is drawn: of a run whose
    images have moved, the curves.

    Args:
        config: of the report.
        model: of the run, where it is in memory.

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
    run = run_facts.read_config(place)
    page_file.check(config.path)
    shown, reason = _shown_or_reason(config, run, model)
    data = image_section.image_data(config, run, shown) if shown else None
    page = page_of(place, run, data)
    page["missing"] = reason
    page["about_images"] = shown.about if shown else "none"
    page["facts"] = run_facts.facts(run, page.pop("rows"), page["about_images"])
    page["sheets"] = _sheets(shown) if shown else {}
    size = page_file.write(config.path, page)
    log.info("%s (%.1f MB)", config.path, size / 1e6)
    return {
        "report": str(config.path),
        "bytes": size,
        "workdir": str(place),
        "verdict": page["findings"][0].title,
        "images": shown.source.size if shown else 0,
        "not_shown": reason or None,
    }


def page_of(
    place: pathlib.Path, run: Config, data: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the parts of a page that a run's log and config give.

    Args:
        place: the workdir.
        run: its config.
        data: of the images; None where they cannot be shown.
    """
    rows = run_facts.read_log(place)
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


def _shown_or_reason(
    config: ReportConfig, run: Config, model: ImageSSL | None
) -> tuple[ShownImages | None, str]:
    if run.kind.prefix:
        return None, f"{run.dataset} holds no images"
    try:
        return shown_images.show(config, run, model), ""
    except (UsageError, RunError) as error:
        log.warning("the page has no images: %s", error)
        return None, str(error)


def _suggestion(data: dict[str, Any] | None) -> str:
    suitable = (data or {}).get("relations", {}).get("suitable")
    return f"{suitable[0]:.2g} to {suitable[1]:.2g}" if suitable else ""


def _views_sheet(place: pathlib.Path) -> str:
    path = place / VIEWS
    return packed.data_uri(path.read_bytes(), "image/png") if path.is_file() else ""


def _sheets(shown: ShownImages) -> dict[str, str]:
    sheets = {"plain": shown.plain}
    if shown.snapshots:
        sheets |= {"weak": shown.weak, "strong": shown.strong}
    return {
        name: packed.data_uri(sheet.jpeg(), "image/jpeg")
        for name, sheet in sheets.items()
    }
