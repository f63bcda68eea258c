"""Printed sheets: PDF at true scale, one file per sheet, one shared frame.

In:     a workspace and its plans.
Out:    files in the workspace's ``out`` folder.
"""

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gis_data.audit import last
from gis_data.catalogue import text
from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models.borders import as_drawn
from models.plan import Plan, silent
from views.beat_book import write_beat_book
from views.camera_book import write_camera_book
from views.documents import write_scorecard
from views.plan_layers import write_plan_layers
from views.public_card import write_public_card
from views.quality import quality_of
from views.quality_book import write_quality_book
from views.sheets.camera_sheet import write_all_camera_sheets
from views.sheets.quality_sheet import write_quality_sheet
from views.sheets.zone_sheet import GROUND, write_all_zone_sheets, write_zone_sheet
from views.zone_book import write_zone_book

__all__ = ["SHEETS", "print_all", "write_all_zone_sheets", "write_quality_sheet", "write_zone_sheet"]

SHEETS = ("zones", "scorecard", "cameras", "quality")


def print_all(
    ws: Workspace,
    plans: Mapping[str, Plan],
    *,
    only: Iterable[str] = SHEETS,
    progress: Any = silent,  # noqa: ANN401 - models.plan.Progress
) -> list[Path]:
    """Print the named sheets into the workspace's ``out`` folder and return the files.

    Raises
    ------
    InputError
        If a name is unknown, or the plan it needs is missing.
    """
    wanted, plans = list(only), as_drawn(plans)
    unknown = [name for name in wanted if name not in SHEETS]
    if unknown:
        raise InputError("sheet.unknown", found=", ".join(unknown), known=", ".join(SHEETS))
    written: list[Path] = []
    today = datetime.datetime.now(tz=datetime.UTC).astimezone().date()
    audit = last(ws.root / "audit.jsonl")
    if {"zones", "scorecard"} & set(wanted):
        _require(plans, "zones")
    if "zones" in wanted:
        book = ws.out / text("sheet.file_zones")
        written.append(write_zone_book(plans["zones"], plans.get("options"), ws.study, book))
        ground = {name: ws.read(name) for name in GROUND}
        written += write_all_zone_sheets(
            ws.study, ground, plans, ws.out, printed_on=today, audit=audit, progress=progress
        )
        if "beats" in plans:
            written.append(write_beat_book(plans["beats"], ws.study, ws.out / text("sheet.file_beats")))
        written.append(write_plan_layers(plans, ws.out / text("sheet.file_layers")))
    if "scorecard" in wanted:
        _require(plans, "scorecard")
        path = ws.out / text("sheet.file_scorecard")
        written.append(write_scorecard(plans["scorecard"], plans["zones"], ws.study, path))
        written.append(write_public_card(plans["scorecard"], ws.study, ws.out / text("sheet.file_public_card")))
    if "cameras" in wanted and ("cameras" in plans or wanted == ["cameras"]):
        _require(plans, "cameras")
        plan, ground = plans["cameras"], {name: ws.read(name) for name in GROUND}
        written.append(write_camera_book(plan, ws.study, ws.out / text("camera_book.file")))
        written += write_all_camera_sheets(
            ws.study, ground, plan, ws.out, printed_on=today, audit=audit, progress=progress
        )
    if "quality" in wanted:
        report = quality_of(ws.read)
        written.append(write_quality_book(report, ws.study, ws.out / text("sheet.file_quality_xlsx")))
        pdf = ws.out / text("sheet.file_quality_pdf")
        written.append(write_quality_sheet(ws.study, report, ws.read("roads"), pdf, printed_on=today, audit=audit))
    ws.log("print", sheets=wanted, files=[path.name for path in written])
    return written


def _require(plans: Mapping[str, Plan], name: str) -> None:
    if name not in plans:
        raise InputError("sheet.no_plan", plan=name)
