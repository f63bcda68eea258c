"""The camera plan as a spreadsheet: filing table, entrances, bill of materials, money, how to read it.

In:     a finished camera plan and the study.
Out:    an .xlsx file a station fills in and hands on (State Council Order 799, art. 14); nothing is computed here but
        sums and degrees.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd

from gis_data.catalogue import text
from gis_data.study import WGS84, Study
from models.plan import Plan
from views.figures import purpose_of, records
from views.workbook import (
    A3,
    DEGREES,
    ONE_DECIMAL,
    bytes_of,
    made_on,
    new_sheet,
    workbook,
    write_cells,
    write_lines,
    write_value,
)

NOTES_WIDTH = 100


def write_camera_book(plan: Plan, study: Study, path: Path) -> Path:
    """Write the camera plan as a spreadsheet in the running language and return its path; same plan, same bytes."""
    with workbook(path, title=text("camera_book.title", town=study.name), made_on=made_on(plan)) as (book, looks):
        for name, make in _SHEETS.items():
            make(new_sheet(book, f"camera_book.sheet.{name}", study), looks, plan)
    return path


def camera_xlsx(plan: Plan, study: Study) -> bytes:
    """Return the camera plan as a spreadsheet."""
    return bytes_of(partial(write_camera_book, plan, study))


def filing_rows(plan: Plan) -> list[dict[str, Any]]:
    """Return what article 14 asks for, a row a camera in the order of their numbers; "" where it is to be filled in."""
    cameras = plan.to_frame()
    degrees = gpd.GeoSeries(cameras.geometry, crs=cameras.crs).to_crs(WGS84)
    at = cameras.assign(lon=degrees.x, lat=degrees.y).set_index("camera_id")
    names = _village_names(plan)
    rows = []
    cards = plan.tables["checklist"]
    for card in records(cards.iloc[cards["camera_id"].map(_in_order).argsort(kind="stable")]):
        camera = at.loc[card["camera_id"]]
        rows.append(
            {
                "camera_id": card["camera_id"],
                "village": names[card["village_id"]],
                "site_kind": text(f"page.cameras.site.{camera['site_kind']}"),
                "lon": camera["lon"],
                "lat": camera["lat"],
                "type": text(f"camera_book.type.{'dome' if camera['turns'] else 'fixed'}"),
                "azimuth": camera["azimuth_deg"],
                "hfov": camera["hfov_deg"],
                "year": int(camera["year"]),
                "purpose": purpose_of(card, camera["entrances"]),
                "basis": text(f"camera_book.basis.{card['basis']}"),
                "sign": text("camera_book.sign_at_pole"),
                "filing": text("camera_book.filing_within", days=card["filing_days"]),
                "retention": card["retention_days"],
                "unit": card["unit"],
                "private_m2": card["private_m2"],
                "masks": card["masks"].replace(";", "; "),
                "ground": text(f"camera_book.ground.{'private' if card['on_private_ground'] else 'public'}"),
                "filed_on": "",
                "sign_up": "",
            }
        )
    return rows


def _filing(sheet: Any, looks: dict[str, Any], plan: Plan) -> None:  # noqa: ANN401 - xlsxwriter has no types
    columns = (
        ("camera_id", 13), ("village", 12), ("site_kind", 14), ("lon", 12), ("lat", 12), ("type", 8), ("azimuth", 8),
        ("hfov", 8), ("year", 7), ("purpose", 26), ("basis", 34), ("sign", 18), ("filing", 16), ("retention", 9),
        ("unit", 14), ("private_m2", 10), ("masks", 24), ("ground", 18), ("filed_on", 12), ("sign_up", 10),
    )  # fmt: skip
    rows = [[row[name] for name, _ in columns] for row in filing_rows(plan)]
    end = _table(sheet, looks, columns, rows, {"lon": DEGREES, "lat": DEGREES, "azimuth": ONE_DECIMAL})
    said = [text(f"camera_book.{line}") for line in ("filing_help", "masks_help", "secret_help")]
    write_lines(sheet, looks, said, row=end + 1, widths=[width for _, width in columns])
    sheet.set_paper(A3)  # twenty columns


def _entrances(sheet: Any, looks: dict[str, Any], plan: Plan) -> None:  # noqa: ANN401
    names = _village_names(plan)
    rows = [
        [
            row["entrance_id"], names[row["village_id"]], row["road"] or "", row["cameras"].replace(";", "; "),
            _entrance_state(row), text(f"camera_book.{'yes' if row['seen_at_night'] else 'no'}"), row["released"],
            row["build_distance_m"],
        ]
        for row in records(plan.tables["entrances"])
    ]  # fmt: skip
    columns = (
        ("entrance_id", 13), ("village", 12), ("road", 18), ("watched_by", 26), ("state", 26), ("at_night", 10),
        ("released", 26), ("build_distance", 14),
    )  # fmt: skip
    _table(sheet, looks, columns, rows, {})


def _entrance_state(row: dict[str, Any]) -> str:
    if row["seen"]:
        return text("camera_book.state.watched")
    return text(f"camera_book.state.{'open' if row['can_be_seen'] else 'unseeable'}")


def _materials(sheet: Any, looks: dict[str, Any], plan: Plan) -> None:  # noqa: ANN401
    cameras = plan.to_frame()
    new, sites = cameras[cameras["status"] != "existing"], plan.tables["sites"]
    lenses = sorted(plan.settings["cameras"]["lens_hfov_deg"], reverse=True)
    rows = []
    for village in records(plan.tables["summary"]):
        own, poles = (part[part["village_id"] == village["village_id"]] for part in (new, sites))
        poles = poles[poles["kind"] != "existing"]
        fresh = poles["kind"].isin(("junction", "roadside"))
        rows.append(
            [
                village["name"], *(int((own["hfov_deg"] == f).sum()) for f in lenses), int(own["turns"].sum()),
                int(fresh.sum()), int((~fresh).sum()), int((poles["power"] == "solar").sum()),
                int((poles["link"] == "radio").sum()), len(own), village["cost_cny"],
            ]
        )  # fmt: skip
    names = [text("camera_book.column.village"), *(text("camera_book.lens", degrees=f"{f:.0f}") for f in lenses)]
    names += [
        text(f"camera_book.column.{k}") for k in ("domes", "new_poles", "mounts", "solar", "radio", "signs", "cost")
    ]
    widths = [14] + [11] * (len(names) - 1)
    end = write_cells(sheet, looks, names, widths, rows, ["number"] * len(names))
    write_value(sheet, end, 0, text("quality.total"), looks["total"])
    for column in range(1, len(names)):
        write_value(sheet, end, column, sum(row[column] for row in rows), looks["total"])
    write_lines(sheet, looks, [text("camera_book.materials_help")], row=end + 2, widths=widths)


def _money(sheet: Any, looks: dict[str, Any], plan: Plan) -> None:  # noqa: ANN401
    curve, rollout = plan.tables["curve"], plan.tables["rollout"]
    shared = ("budget_cny", "cameras", "spent_cny", "entrances", "covered_pct", "bound_pct")
    formats = ["number", "number", "number", "number", "number", ONE_DECIMAL, ONE_DECIMAL]
    names = [text(f"camera_book.money.{name}") for name in ("year", *shared)]
    rows: list[list[Any]] = [[row["year"], *(row[name] for name in shared)] for row in records(rollout)]
    widths = [10, 14, 10, 14, 12, 14, 14]
    end = write_cells(sheet, looks, names, widths, rows, formats)
    write_lines(sheet, looks, [text("camera_book.rollout_help")], row=end + 1, widths=widths)
    for column, name in enumerate(names[1:], start=1):
        write_value(sheet, end + 3, column, name, looks["head"])
    for number, row in enumerate(records(curve), start=end + 4):
        for column, name in enumerate(shared, start=1):
            write_value(sheet, number, column, row[name], looks[formats[column]])
    write_lines(sheet, looks, [text("camera_book.curve_help")], row=end + 5 + len(curve), widths=widths)


def _notes(sheet: Any, looks: dict[str, Any], plan: Plan) -> None:  # noqa: ANN401
    sheet.set_column(0, 0, NOTES_WIDTH)
    lines = [text(key, **values) for key, values in plan.notes] + [text("camera_book.no_person")]
    write_lines(sheet, looks, lines, row=0, widths=[NOTES_WIDTH])


_SHEETS = {"filing": _filing, "entrances": _entrances, "materials": _materials, "money": _money, "notes": _notes}


def _in_order(name: str) -> tuple[str, int]:
    """Return what sorts V001-C2 before V001-C10, and a name of another form by itself."""
    village, _, number = name.rpartition("-C")
    return (village, int(number)) if number.isdigit() else (name, 0)


def _village_names(plan: Plan) -> dict[str, str]:
    summary = plan.tables["summary"]
    return dict(zip(summary["village_id"], summary["name"], strict=True))


def _table(
    sheet: Any,  # noqa: ANN401
    looks: dict[str, Any],
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[Any]],
    numbers: dict[str, str],
) -> int:
    names = [text(f"camera_book.column.{name}") for name, _ in columns]
    formats = [numbers.get(name, "number") for name, _ in columns]
    return write_cells(sheet, looks, names, [width for _, width in columns], rows, formats)
