"""Data: what came in, what is wrong with it, what that does, what to do; and the way in for more."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import streamlit as st

from gis_data.acting import may
from gis_data.catalogue import language, text
from gis_data.study import WGS84
from views import charts, figures
from views.downloads import Download
from views.maps.corrections import correction_map
from views.pages import class_words, frame, upload, work
from views.pages.address import begin_with, tell
from views.quality import FIELDS, QualityReport, quality_of
from views.quality_book import quality_xlsx
from views.sheets.desk import Desk
from views.sheets.products import quality_file
from views.station import Station, at_cell_centres, show_map

MAP_PX = 480
PARTS = ("files", "problems", "months", "imports")
CHART_MEASURES = ("point_pct", "occurred_pct", "set_aside_pct", "moved_pct", "dropped_pct")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("data", station)
    report = _report(station)
    if report.files.empty:
        st.info(text("page.data.first", folder=station.ws.root.name))
    upload.show(station, opened=report.files.empty or st.query_params.get(work.START) == "import")
    if report.files.empty:
        return
    _numbers(station, report)
    has = {"months": len(report.completeness), "imports": len(report.trend)}
    known = [part for part in PARTS if has.get(part, True)]
    part = frame.choice("page.data.parts", known, words="page.data.part", key="data part", name="part")
    if part == "files":
        _places(station, report)
    elif part == "problems":
        class_words.show(station)
        _set_aside(station)
        _problems(report)
    elif part == "months":
        _completeness(report)
    else:
        _trend(report)
    _take(station, report)


def _report(station: Station) -> QualityReport:
    """Return the report; who may not see exact points sees corrections from cell to cell."""
    report = quality_of(station.table, words=class_words.words_of(station))
    if not station.coarse:
        return report
    moves = report.moves.copy()
    for side in ("from", "to"):
        columns = [f"{side}_lon", f"{side}_lat"]
        points = gpd.GeoSeries(gpd.points_from_xy(*moves[columns].to_numpy(float).T), moves.index, crs=WGS84)
        centres = at_cell_centres(points.to_crs(station.study.crs), station.study.settings.cell_size_m).to_crs(WGS84)
        moves[columns] = np.column_stack([centres.x, centres.y])
    return replace(report, moves=moves)


def _numbers(station: Station, report: QualityReport) -> None:
    labels = {name: text(f"page.data.column.{name}") for name in report.sums}
    shown = [(labels[name], f"{rows:,}", "") for name, rows in report.sums.items()]
    waiting = station.kept("rows waiting", lambda: _waiting(station))
    shown.append((text("page.data.waiting"), f"{waiting:,}", text("page.data.waiting_help")))
    frame.numbers([(text("page.data.file_count"), f"{len(report.files):,}", ""), *shown])


def _waiting(station: Station) -> int:
    """Return how many rows wait: one that came again is read twice, and waits once or no more."""
    return int((station.ws.read("aside", only=["moved_to"])["moved_to"] == "").sum())


def _places(station: Station, report: QualityReport) -> None:
    left, right = st.columns((1.25, 1), gap="small")
    with left:
        st.subheader(text("page.data.places"), anchor=False)
        if len(report.moves):
            show_map(
                station, "data", lambda: correction_map(station.study, report.moves, station.tiles),
                lang=language(), height_px=MAP_PX, about=text("page.data.map"),
            )  # fmt: skip
            st.caption(text("page.data.places_help"))
        else:
            st.caption(text("page.data.no_moves"))
    with right:
        st.subheader(text("page.data.files"), anchor=False)
        table = figures.quality_files(report)
        frame.table(table, words=list(table.columns[:2]))
        st.caption(text("page.data.files_help"))
        if report.sentences():
            st.subheader(text("page.data.remarks"), anchor=False)
            _remarks(report)


def _remarks(report: QualityReport) -> None:
    """Say which words nobody knows and what is to be said of the last file; of those before it where somebody asks."""
    lines = report.sentences()
    last = len(report.unknown_words()) + len(next(iter(report.said().values()), ()))
    frame.sentences(lines[:last])
    if lines[last:]:
        with st.expander(text("page.data.remarks_before", count=len(lines) - last)):
            frame.sentences(lines[last:])


def _problems(report: QualityReport) -> None:
    st.subheader(text("page.data.problems"), anchor=False)
    last_first = report.problems[::-1]
    names = dict(zip(last_first["import_id"] + last_first["file"], last_first["file"], strict=True))
    left, _ = st.columns((1, 1.6))
    begin_with(["", *names], "", key="data file", name="file")
    chosen = left.selectbox(
        text("page.data.which"), ["", *names], key="data file",
        format_func=lambda one: Path(names[one]).name if one else text("page.data.all_files"),
    )  # fmt: skip
    tell(file=chosen)
    of_file = report.problems[report.problems["import_id"] + report.problems["file"] == chosen]
    table = figures.quality_problems(of_file if chosen else report.totals)
    frame.table(table, words=[*table.columns[:2], *table.columns[4:]])


def _completeness(report: QualityReport) -> None:
    st.subheader(text("page.data.completeness"), anchor=False)
    names = {name: text(f"page.data.field.{name}") for name in FIELDS}
    st.altair_chart(charts.completeness_chart(report.completeness, fields=names))
    st.caption(text("page.data.completeness_help"))


def _trend(report: QualityReport) -> None:
    st.subheader(text("page.data.trend"), anchor=False)
    names = {name: text(f"page.data.measure.{name}") for name in CHART_MEASURES}
    st.altair_chart(charts.trend_chart(figures.trend_shares(report.trend), measures=names))
    table = figures.quality_trend(report.trend)
    frame.table(table, words=list(table.columns[:2]))
    st.caption(text("page.data.trend_help"))


def _take(station: Station, report: QualityReport) -> None:
    tables = {text("page.data.files"): figures.quality_files(report),
              text("page.data.problems"): figures.quality_problems(report.totals),
              text("page.data.trend"): figures.quality_trend(report.trend)}  # fmt: skip
    books = [
        Download("page.download.quality_xlsx", text("sheet.file_quality_xlsx"),
                 partial(quality_xlsx, report, station.study)),
        Download("page.download.quality_pdf", text("sheet.file_quality_pdf"), partial(_sheet, station, report)),
    ]  # fmt: skip
    maps = {"": lambda: correction_map(station.study, report.moves, station.tiles)} if len(report.moves) else {}
    layers = {"moves": _lines_of(report.moves, station)} if len(report.moves) else {}
    frame.take(station, "data", tables, layers=layers, maps=maps, books=books)


def _lines_of(moves: pd.DataFrame, station: Station) -> gpd.GeoDataFrame:
    """Return corrections as lines from where points were written to where they are; points given up have none."""
    ends = moves[["from_lon", "from_lat", "to_lon", "to_lat"]].to_numpy(float)
    whole = np.isfinite(ends).all(axis=1)
    lines = shapely.linestrings(ends[whole].reshape(-1, 2, 2))
    return gpd.GeoDataFrame(moves.loc[whole, ["group", "moved_m"]], geometry=lines, crs=WGS84).to_crs(station.study.crs)


def _set_aside(station: Station) -> None:
    """Offer the rows set aside, file by file, what came in last first, to those who may see exact points."""
    order = {one: number for number, one in enumerate(station.table("imports")["import_id"])}
    found = sorted((station.ws.root / "set_aside").glob("*.csv"), key=lambda path: path.name)
    found.sort(key=lambda path: -order.get(path.name.partition("_")[0], 0))
    waiting = {path.stem: path for path in found}
    if not waiting or not may("points"):
        return
    first = next(iter(waiting))
    begin_with(list(waiting), first, key="set aside file", name="aside")
    choice, button, _ = st.columns((1.5, 1, 1.6), vertical_alignment="bottom")
    chosen = choice.selectbox(
        text("page.data.set_aside"), list(waiting), format_func=lambda stem: stem.partition("_")[2],
        help=text("page.data.set_aside_help"), key="set aside file",
    )  # fmt: skip
    tell(aside="" if chosen == first else chosen)
    with button:
        frame.download(station, Download("page.download.set_aside", waiting[chosen].name, waiting[chosen].read_bytes))


def _sheet(station: Station, report: QualityReport) -> bytes:
    return quality_file(Desk.of(station.ws, station.plans), report).data()
