"""The map book (巡区图册): one PDF with the town, a contents page, and a leaf for each zone.

In:     a desk with the plan "zones" and whatever else is planned.
Out:    a PDF on A4 or A3 with bookmarks: overview, contents (page and scale of each zone; page and index square of each
        village), then the front and back of each zone's leaf.
"""

from collections.abc import Iterator
from pathlib import Path

from gis_data.catalogue import language, text
from models.recent import Recent, recent_of
from views.basemap.names import village_points
from views.sheets.binding import bound, page_count
from views.sheets.book_index import Index
from views.sheets.content import BoundPage, MapPage, Page, TextPage, write_sheets
from views.sheets.desk import Desk
from views.sheets.divided import with_parts
from views.sheets.index_grid import square
from views.sheets.zone_sheet import map_page, scene_of, zone_pages, zones_of


def write_map_book(desk: Desk, path: Path, *, paper: str = "A4") -> Path:
    """Write the book and return its path.

    Raises
    ------
    InputError
        If there are no zones.
    InfeasibleError
        If a zone is too large for the scale that the settings ask for.
    """
    title = text("sheet.book.title", town=desk.study.name)
    return write_sheets(desk.imprint("zones"), title, _pages(desk, paper), path)


def _pages(desk: Desk, paper: str) -> Iterator[Page]:
    zones = list(zones_of(desk.plans)["zone_id"])
    town = scene_of(desk.ground(), desk.plans, "", crs=desk.study.crs)
    yield map_page(town, text("sheet.book.overview", town=desk.study.name), paper=paper)
    index = Index(desk.study.name, paper)

    def leaves() -> Iterator[MapPage | TextPage]:
        for zone in zones:
            front, back = leaf(desk, zone, paper=paper)
            index.enter(zone, front.window.scale, _squares(desk, zone, front))
            yield from (front, back)

    finished = list(bound(desk.imprint("zones"), leaves()))
    before = 1 + page_count(desk.imprint("zones"), index.pages({}))
    yield from index.pages(_numbers(finished, before))
    yield from finished


def _numbers(pages: list[BoundPage], before: int) -> dict[str, int]:
    """Return the number of each page with an anchor, that so many pages stand before."""
    numbers, at = {}, before
    for page in pages:
        at += 2 if page.whole.odd and not page.further and at % 2 else 1
        if not page.further:
            numbers[page.whole.anchor] = at
    return numbers


def leaf(desk: Desk, zone: str, *, paper: str = "A4") -> tuple[MapPage, TextPage]:
    """Return front and back of a zone's leaf, drawn once a desk, at the scale that the settings ask for."""
    scale = desk.study.settings.print.zone_scale

    def draw() -> tuple[MapPage, TextPage]:
        return zone_pages(desk.study, desk.ground(), desk.plans, zone, paper=paper, scale=scale, recent=recent_at(desk))

    drawn: tuple[MapPage, TextPage] = desk.once(f"leaf {zone} {paper} {language()}", draw)
    return drawn


def recent_at(desk: Desk) -> Recent | None:
    """Return the last weeks of a desk's incidents, counted once; None where there are none."""

    def count() -> Recent | None:
        incidents, zones = desk.table("incidents"), desk.plan("zones")
        if not len(incidents):
            return None
        return recent_of(incidents, zones.to_frame(), zones.tables["units"].set_index("unit_id")["zone_id"])

    found: Recent | None = desk.once("recent", count)
    return found


def _squares(desk: Desk, zone: str, front: MapPage) -> list[tuple[str, str]]:
    """Return name and index square of each village on a zone's map."""
    plan = desk.plan("zones")
    villages, units = with_parts(desk.table("villages"), plan), plan.tables["units"]
    here = villages["village_id"].isin(units.loc[units["zone_id"] == zone, "unit_id"])
    points = front.window.to_paper(village_points(villages)[here].to_numpy())
    return [(name, square(front.window, point)) for name, point in zip(villages.loc[here, "name"], points, strict=True)]
