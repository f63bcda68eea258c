"""Data: what came in, what is wrong with it, what that does, what to do; and the way in for more."""

from pathlib import Path

import streamlit as st

from gis_data.catalogue import language, text
from views import charts, figures
from views.maps.corrections import correction_map
from views.pages import frame, upload
from views.pages.address import begin_with, tell
from views.quality import FIELDS, QualityReport, quality_of
from views.quality_book import quality_xlsx
from views.sheets.desk import Desk
from views.sheets.products import quality_file
from views.station import Station, show_map

MAP_PX = 480
CHART_MEASURES = ("point_pct", "occurred_pct", "set_aside_pct", "moved_pct", "dropped_pct")


def show(station: Station) -> None:
    """Lay out the page."""
    frame.head("data", station)
    report = quality_of(station.table)
    if report.files.empty:
        st.info(text("page.data.first", folder=station.ws.root.name))
    upload.show(station, opened=report.files.empty)
    if report.files.empty:
        return
    _numbers(report)
    _places(station, report)
    _problems(report)
    _downloads(station, report)
    if len(report.completeness):
        _completeness(report)
    if len(report.trend):
        _trend(report)


def _numbers(report: QualityReport) -> None:
    labels = {name: text(f"page.data.column.{name}") for name in report.sums}
    shown = [(labels[name], f"{rows:,}", "") for name, rows in report.sums.items()]
    frame.numbers([(text("page.data.file_count"), f"{len(report.files):,}", ""), *shown])


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
        if report.remarks:
            st.subheader(text("page.data.remarks"), anchor=False)
            frame.sentences(report.sentences())


def _problems(report: QualityReport) -> None:
    st.subheader(text("page.data.problems"), anchor=False)
    names = dict(zip(report.problems["import_id"] + report.problems["file"], report.problems["file"], strict=True))
    left, _ = st.columns((1, 1.6))
    begin_with(["", *names], "", key="data file", name="file")
    chosen = left.selectbox(
        text("page.data.which"), ["", *names], key="data file",
        format_func=lambda one: Path(names[one]).name if one else text("page.data.all_files"),
    )  # fmt: skip
    tell(file=chosen)
    of_file = report.problems[report.problems["import_id"] + report.problems["file"] == chosen]
    table = figures.quality_problems(of_file if chosen else report.totals)
    frame.table(table, words=[table.columns[0], *table.columns[4:]])


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


def _downloads(station: Station, report: QualityReport) -> None:
    """Offer the report as a spreadsheet and as one page, and the rows set aside file by file."""
    left, middle, right = st.columns((1, 1, 2.4), vertical_alignment="bottom")
    with left:
        make = frame.speaking(quality_xlsx, report, station.study)
        frame.download("page.download.quality_xlsx", make, text("sheet.file_quality_xlsx"))
    with middle:
        make = frame.speaking(_sheet, station, report)
        frame.download("page.download.quality_pdf", make, text("sheet.file_quality_pdf"))
    waiting = sorted((station.ws.root / "set_aside").glob("*.csv"))
    if waiting:
        with right:
            choice, button = st.columns((1.5, 1), vertical_alignment="bottom")
            chosen = choice.selectbox(
                text("page.data.set_aside"), waiting, format_func=lambda path: path.stem.partition("_")[2],
                help=text("page.data.set_aside_help"), key="set aside file",
            )  # fmt: skip
            with button:
                frame.download("page.download.set_aside", chosen.read_bytes, chosen.name)


def _sheet(station: Station, report: QualityReport) -> bytes:
    return quality_file(Desk.of(station.ws, station.plans), report).data()
