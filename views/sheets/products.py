"""All that is printed, in one list: what it is called, what it needs, which files it makes.

In:     a desk.
Out:    products in the order of a week's work; each of their files is made alone, by ``print`` or from a page.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gis_data.catalogue import text
from gis_data.intake.class_words import words_in
from models.weekly import Weekly, last_week, week_of
from views.beat_book import write_beat_book
from views.camera_book import write_camera_book
from views.documents import write_scorecard
from views.plan_layers import write_plan_layers
from views.public_card import write_public_card
from views.quality import QualityReport, quality_of
from views.quality_book import write_quality_book
from views.sheets.camera_sheet import planned_villages, write_camera_sheet
from views.sheets.content import TextPage, write_sheets
from views.sheets.desk import Desk
from views.sheets.filing_list import filing_pages
from views.sheets.map_book import leaf, write_map_book
from views.sheets.patrol_log import log_pages
from views.sheets.quality_sheet import write_quality_sheet
from views.sheets.scorecard_sheet import scorecard_pages
from views.sheets.village_sheet import village_pages
from views.sheets.weekly_sheet import period_words, weekly_pages
from views.sheets.word import write_docx
from views.sheets.zone_sheet import zones_of
from views.zone_book import write_zone_book


@dataclass(frozen=True)
class File:
    """One file of a product: its name in the running language, and what writes it."""

    name: str
    write: Callable[[Path], Path]

    @property
    def has_picture(self) -> bool:
        """Whether it is a sheet of paper, which can be looked at before it is printed."""
        return self.name.endswith(".pdf")

    def data(self) -> bytes:
        """Return the file's bytes."""
        return self._written(self.name)

    def picture(self) -> bytes:
        """Return its first page as a PNG."""
        return self._written("page.png")

    def _written(self, name: str) -> bytes:
        with TemporaryDirectory() as folder:
            return self.write(Path(folder) / name).read_bytes()


@dataclass(frozen=True)
class Product:
    """A thing that is printed.

    Attributes
    ----------
    key
        Its name in the command line; ``print.title.<key>`` and ``print.about.<key>`` are its words.
    plans, tables
        The plans that must be made, and the tables that must have rows, before it can be printed.
    files
        Its files from a desk.
    """

    key: str
    plans: tuple[str, ...]
    tables: tuple[str, ...]
    files: Callable[[Desk], Iterator[File]]

    @property
    def title(self) -> str:
        """What it is called."""
        return text(f"print.title.{self.key}")

    @property
    def about(self) -> str:
        """What it holds, in a line."""
        return text(f"print.about.{self.key}")

    def lacks(self, desk: Desk) -> list[str]:
        """Return the plans and tables that must come first."""
        return [name for name in self.plans if name not in desk.plans] + [
            name for name in self.tables if not len(desk.table(name))
        ]


def _book(paper: str, desk: Desk) -> Iterator[File]:
    name = text(f"print.file.book_{paper.lower()}")
    yield File(f"{name}.pdf", lambda path: write_map_book(desk, path, paper=paper))


def _zones(desk: Desk) -> Iterator[File]:
    plan = desk.plan("zones")
    yield File(text("sheet.file_zones"), partial(write_zone_book, plan, desk.plans.get("options"), desk.study))
    for zone in zones_of(desk.plans)["zone_id"]:
        yield File(text("sheet.file", zone=zone), partial(_zone, desk, zone))
    yield File(text("sheet.file_layers"), partial(write_plan_layers, desk.plans))


def _zone(desk: Desk, zone: str, path: Path) -> Path:
    pages = leaf(desk, zone)
    return write_sheets(desk.imprint("zones"), pages[0].title, pages, path)


def _beats(desk: Desk) -> Iterator[File]:
    yield File(text("sheet.file_beats"), partial(write_beat_book, desk.plan("beats"), desk.study))


def _log(desk: Desk) -> Iterator[File]:
    yield from _both(desk, "patrol_log", "beats", lambda: log_pages(desk.plan("beats"), desk.study))


def _weekly(desk: Desk) -> Iterator[File]:
    yield from _both(desk, "weekly", "zones", lambda: weekly_pages(week_at(desk), desk.study),
                     period=lambda: period_words(week_at(desk)))  # fmt: skip


def week_at(desk: Desk) -> Weekly:
    """Return the counts of the last whole week of a desk's incidents."""
    incidents, units = desk.table("incidents"), desk.plan("zones").tables["units"]
    unit_zone = units.set_index("unit_id")["zone_id"]
    week = last_week(incidents["reported_at"])
    return week_of(incidents, desk.plan("zones").to_frame(), unit_zone, week=week)


def _villages(desk: Desk) -> Iterator[File]:
    yield from _both(desk, "villages", "zones", lambda: village_pages(desk), formats=("pdf",))


def _scorecard(desk: Desk) -> Iterator[File]:
    plan = desk.plan("scorecard")
    yield from _both(desk, "scorecard", "scorecard", lambda: scorecard_pages(plan, desk.study), formats=("pdf",))
    yield File(text("sheet.file_scorecard"), partial(write_scorecard, plan, desk.plan("zones"), desk.study))
    yield File(text("sheet.file_public_card"), partial(write_public_card, plan, desk.study))


def _cameras(desk: Desk) -> Iterator[File]:
    plan = desk.plan("cameras")
    yield from _both(desk, "filing", "cameras", lambda: filing_pages(plan, desk.study), formats=("pdf",))
    yield File(text("camera_book.file"), partial(write_camera_book, plan, desk.study))
    for village in planned_villages(plan):
        yield camera_file(desk, village)


def camera_file(desk: Desk, village: str) -> File:
    """Return the sheet of one village's cameras."""

    def write(path: Path) -> Path:
        return write_camera_sheet(
            desk.study, desk.ground(), desk.plan("cameras"), village, path, printed_on=desk.printed_on, audit=desk.audit
        )

    return File(text("camera_sheet.file", village=village), write)


def _quality(desk: Desk) -> Iterator[File]:
    report = quality_of(desk.table, words=words_in(desk.ws))
    yield File(text("sheet.file_quality_xlsx"), partial(write_quality_book, report, desk.study))
    yield quality_file(desk, report)


def quality_file(desk: Desk, report: QualityReport) -> File:
    """Return the quality report as one page."""

    def write(path: Path) -> Path:
        roads = desk.table("roads")
        return write_quality_sheet(desk.study, report, roads, path, printed_on=desk.printed_on, audit=desk.audit)

    return File(text("sheet.file_quality_pdf"), write)


def _both(
    desk: Desk,
    name: str,
    plan: str,
    pages: Callable[[], tuple[TextPage, ...]],
    *,
    formats: tuple[str, ...] = ("pdf", "docx"),
    period: Callable[[], str] = str,
) -> Iterator[File]:
    """Yield the same pages as PDF and as a Word document."""
    title = text(f"print.file.{name}")

    def write(ending: str, path: Path) -> Path:
        set_pages = write_docx if ending == "docx" else write_sheets
        return set_pages(desk.imprint(plan, period=period()), title, pages(), path)

    for ending in formats:
        yield File(f"{title}.{ending}", partial(write, ending))


PRODUCTS: tuple[Product, ...] = (
    Product("book_a4", ("zones",), (), partial(_book, "A4")),
    Product("book_a3", ("zones",), (), partial(_book, "A3")),
    Product("zones", ("zones",), (), _zones),
    Product("beats", ("beats",), (), _beats),
    Product("patrol_log", ("beats",), (), _log),
    Product("weekly", ("zones",), ("incidents",), _weekly),
    Product("villages", ("zones",), ("villages", "incidents"), _villages),
    Product("scorecard", ("zones", "scorecard"), (), _scorecard),
    Product("cameras", ("cameras",), (), _cameras),
    Product("quality", (), ("imports",), _quality),
)
