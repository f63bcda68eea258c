"""Quality sheet (数据质量报告): the whole report on one A4 page, whatever came in.

In:     a finished ``QualityReport``, the study, and its roads (for the little map).
Out:    one PDF of one page. What would not fit is summed up (the smallest files and problems) or left to the dashboard
        (the oldest imports and months).
"""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.catalogue import Language, language, speaking, text
from gis_data.study import WGS84, Study
from views import figures
from views.maps.corrections import moves_label
from views.palette import EDGE, MOVE_DASHES, MOVES
from views.quality import COUNTS, DROPPED, FIELDS, MEASURES, QualityReport
from views.sheets import svg
from views.sheets.frame import PAPERS, Box, MapWindow, write_pdf
from views.sheets.imprint import Imprint

PAPER_MM = PAPERS["A4"]
MAP_MM = Box(0, 0, 92.0, 66.0)
MOST_FILES, MOST_PROBLEMS, MOST_IMPORTS, MOST_MONTHS, MOST_REMARKS = 10, 12, 6, 24, 3
MOST_MARKS = 1_500
MAIN_ROADS = ("expressway", "provincial", "county")
STAYS_M = 1.0

Cells = list[list[str]]


def write_quality_sheet(
    study: Study,
    report: QualityReport,
    roads: gpd.GeoDataFrame,
    path: Path,
    *,
    printed_on: datetime.date,
    audit: str = "",
    lang: Language | None = None,
) -> Path:
    """Write the sheet and return its path; the same report, day and audit hash give the same bytes."""
    with speaking(lang or language()):
        imprint = Imprint.of(study, None, audit=audit, printed_on=printed_on, period=_period(report))
        sheet = {
            "lang": language(),
            "width": PAPER_MM[0],
            "height": PAPER_MM[1],
            "title": text("quality.title", town=study.name),
            "subtitle": _period(report),
            **imprint.words(),
            "account": text("quality.account", files=f"{len(report.files):,}", **_words(report.sums)),
            "files": _files(report),
            "map": _map(study, report, roads),
            "problems": _problems(report),
            "completeness": _completeness(report),
            "trend": _trend(report),
            "remarks": _remarks(report),
            "foot": {"left": [text("page.data.files_help")], "right": imprint.words()["foot"]["right"]},
        }
        return write_pdf("quality_sheet.typ", sheet, path)


def _period(report: QualityReport) -> str:
    months = report.completeness["month"]
    return "" if months.empty else text("quality.period", first=months.min(), last=months.max())


def _words(counts: dict[str, int]) -> dict[str, Any]:
    return {name: f"{rows:,}" for name, rows in counts.items()}


# ---- tables: heading, rows of words ----


def _files(report: QualityReport) -> dict[str, Any]:
    shown, rest = _largest(report.files, report.files["rows_read"], MOST_FILES)
    names = ("file", "table", *COUNTS)
    rows = [[row["file"], figures.table_name(row["table"]), *_words({n: row[n] for n in COUNTS}).values()]
            for row in figures.records(shown)]  # fmt: skip
    if len(rest):
        sums = {name: int(rest[name].sum()) for name in COUNTS}
        rows.append([text("quality.more_files", count=len(rest)), "", *_words(sums).values()])
    return {"title": text("page.data.files"), "head": _heads(names), "rows": rows}


def _problems(report: QualityReport) -> dict[str, Any]:
    # What was not accepted waits for a person, however few the rows.
    weight = report.totals["rows"] + report.totals["rows"].sum() * (report.totals["outcome"] != "accepted")
    shown, rest = _largest(report.totals, weight, MOST_PROBLEMS)
    table = figures.quality_problems(shown)
    rows: Cells = table.to_numpy().tolist()
    if len(rest):
        more = text("quality.more_problems", count=len(rest))
        rows.append([more, "", f"{int(rest['rows'].sum()):,}", "", "", text("quality.see_dashboard"), ""])
    names = ("problem", "outcome", "rows", "share", "examples", "effect", "advice")
    return {"title": text("page.data.problems"), "head": _heads(names), "rows": rows}


def _completeness(report: QualityReport) -> dict[str, Any]:
    wide = report.completeness.pivot_table(index="field", columns="month", values="filled_pct", aggfunc="first")
    wide = wide[wide.columns[-MOST_MONTHS:]]
    known = dict(zip(wide.index, wide.to_numpy(float), strict=True))
    rows = [
        {"name": text(f"page.data.field.{name}"), "shares": [None if np.isnan(one) else one for one in known[name]]}
        for name in FIELDS
        if name in known
    ]
    return {
        "title": text("page.data.completeness"),
        "note": text("page.data.completeness_help"),
        "months": [str(month)[2:] for month in wide.columns],
        "rows": rows,
    }


def _trend(report: QualityReport) -> dict[str, Any]:
    table = figures.quality_trend(report.trend).tail(MOST_IMPORTS)
    heads = [*_heads(("number", "file", "rows_read")), *(text(f"page.data.measure.{name}") for name in MEASURES)]
    title = text("page.data.trend")
    return {"title": title, "note": text("page.data.trend_help"), "head": heads, "rows": table.to_numpy().tolist()}


def _remarks(report: QualityReport) -> dict[str, Any]:
    lines = report.sentences()
    more = len(lines) - MOST_REMARKS
    said = lines[:MOST_REMARKS] + ([text("quality.more_remarks", count=more)] if more > 0 else [])
    return {"title": text("page.data.remarks"), "lines": said}


def _largest(table: pd.DataFrame, size: pd.Series, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of the largest sizes in the table's own order, and the rest; of one row no rest is made."""
    if len(table) <= most + 1:
        return table, table.iloc[:0]
    kept = size.rank(method="first", ascending=False) <= most
    return table[kept], table[~kept]


def _heads(names: tuple[str, ...]) -> list[str]:
    return [text(f"page.data.column.{name}") for name in names]


# ---- the little map ----


def _map(study: Study, report: QualityReport, roads: gpd.GeoDataFrame) -> dict[str, Any]:
    bounds = study.boundary.bounds
    metres_per_mm = max((bounds[2] - bounds[0]) / (MAP_MM.width - 4), (bounds[3] - bounds[1]) / (MAP_MM.height - 4))
    window = MapWindow.around(study.boundary, MAP_MM, int(np.ceil(1000 * metres_per_mm)))
    main = roads[roads["road_class"].isin(MAIN_ROADS)].geometry.to_numpy() if len(roads) else []
    drawn = [
        svg.path(window.to_paper(np.asarray(main, dtype=object)), stroke="#c9c4ba", stroke_width=0.35),
        svg.path(window.to_paper(study.boundary), stroke=EDGE, stroke_width=0.4),
    ]
    groups = [group for group in MOVES if (report.moves["group"] == group).any()]
    for group in reversed(groups):
        drawn += _marks(study, report.moves[report.moves["group"] == group], group, window)
    legend = [(_sample(group), moves_label(report.moves[report.moves["group"] == group], group)) for group in groups]
    return {
        "title": text("page.data.places"),
        "width": MAP_MM.width,
        "height": MAP_MM.height,
        "svg": svg.picture(MAP_MM.width, MAP_MM.height, drawn),
        "legend": legend,
        "empty": "" if groups else text("page.data.no_moves"),
    }


def _marks(study: Study, moves: pd.DataFrame, group: str, window: MapWindow) -> Iterator[str]:
    colour, dash = MOVES[group], _dash(group, 0.17)
    shown = moves.iloc[:: max(1, -(-len(moves) // MOST_MARKS))]
    before = _paper(study, shown["from_lon"], shown["from_lat"], window)
    if group in DROPPED:
        spots, counts = np.unique(before[np.isfinite(before).all(axis=1)].round(2), axis=0, return_counts=True)
        for (x, y), rows in zip(spots, counts, strict=True):
            radius = min(0.7 + 0.12 * float(np.sqrt(rows)), 2.2)
            yield svg.disc(x, y, radius, fill="none", stroke=colour, stroke_width=0.2, stroke_dasharray=dash)
        return
    after = _paper(study, shown["to_lon"], shown["to_lat"], window)
    moved = (shown["moved_m"] >= STAYS_M).to_numpy()
    lines = shapely.linestrings(np.stack([before[moved], after[moved]], axis=1)) if moved.any() else []
    yield svg.path(np.asarray(lines, dtype=object), stroke=colour, stroke_width=0.16, stroke_dasharray=dash)
    for x, y in before[moved]:
        yield svg.disc(x, y, 0.45, fill="#fff", stroke=colour, stroke_width=0.14)
    for x, y in after[np.isfinite(after).all(axis=1)]:
        yield svg.disc(x, y, 0.5, fill=colour)


def _dash(group: str, mm: float) -> str:
    """Return a group's dash for paper, ``mm`` for each pixel of the screen's; "none" for an unbroken line."""
    return " ".join(f"{float(part) * mm:.2f}" for part in MOVE_DASHES[group].split()) or "none"


def _paper(study: Study, lon: pd.Series, lat: pd.Series, window: MapWindow) -> np.ndarray:
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=WGS84).to_crs(study.crs).to_numpy()
    return shapely.get_coordinates(window.to_paper(points)).reshape(-1, 2)


def _sample(group: str) -> str:
    colour, dash = MOVES[group], _dash(group, 0.26)
    if group in DROPPED:
        body = [svg.disc(5, 1.8, 1.3, fill="none", stroke=colour, stroke_width=0.35, stroke_dasharray=dash)]
    elif group == "notation":
        body = [svg.disc(5, 1.8, 1.0, fill=colour)]
    else:
        line = svg.path(
            shapely.LineString([(1.5, 1.8), (8.5, 1.8)]),
            stroke=colour,
            stroke_width=0.3,
            stroke_dasharray=dash,
        )
        ends = [
            svg.disc(1.5, 1.8, 0.9, fill="#fff", stroke=colour, stroke_width=0.3),
            svg.disc(8.5, 1.8, 1.0, fill=colour),
        ]
        body = [line, *ends]
    return svg.picture(10, 3.6, body)
