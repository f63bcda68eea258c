"""The map book (巡区图册): one PDF with the town, a contents page, and a leaf for each zone.

In:     a desk with the plan "zones" and whatever else is planned.
Out:    a PDF on A4 or A3 with bookmarks: overview, contents (page and scale of each zone; page and index square of each
        village), then the front and back of each zone's leaf.
"""

from pathlib import Path

from gis_data.catalogue import language, text
from views.basemap import village_points
from views.sheets.content import Columns, Heading, MapPage, Page, Table, TextPage, Words, page_of, write_sheets
from views.sheets.desk import Desk
from views.sheets.divided import with_parts
from views.sheets.index_grid import square
from views.sheets.zone_sheet import map_page, scene_of, zone_pages, zones_of

VILLAGE_COLUMNS = 3


def write_map_book(desk: Desk, path: Path, *, paper: str = "A4") -> Path:
    """Write the book and return its path.

    Raises
    ------
    InputError
        If there are no zones.
    InfeasibleError
        If a zone is too large for the scale that the settings ask for.
    """
    zones = list(zones_of(desk.plans)["zone_id"])
    study, ground = desk.study, desk.ground()
    leaves: list[Page] = []
    squares: list[tuple[str, str, str]] = []
    for zone in zones:
        front, back = leaf(desk, zone, paper=paper)
        leaves += [front, back]
        squares += _squares(desk, zone, front)
    town = scene_of(ground, desk.plans, "", crs=study.crs)
    overview = map_page(town, text("sheet.book.overview", town=study.name), paper=paper)
    contents = _contents(desk, zones, [one for one in leaves if isinstance(one, MapPage)], squares, paper)
    title = text("sheet.book.title", town=study.name)
    write_sheets(desk.imprint("zones"), title, [overview, contents, *leaves], path)
    return path


def leaf(desk: Desk, zone: str, *, paper: str = "A4") -> tuple[MapPage, TextPage]:
    """Return front and back of a zone's leaf, drawn once a desk, at the scale that the settings ask for."""
    scale = desk.study.settings.print.zone_scale

    def draw() -> tuple[MapPage, TextPage]:
        return zone_pages(desk.study, desk.ground(), desk.plans, zone, paper=paper, scale=scale)

    drawn: tuple[MapPage, TextPage] = desk.once(f"leaf {zone} {paper} {language()}", draw)
    return drawn


def _squares(desk: Desk, zone: str, front: MapPage) -> list[tuple[str, str, str]]:
    """Return zone, name and index square of each village on a zone's map."""
    plan = desk.plan("zones")
    villages, units = with_parts(desk.table("villages"), plan), plan.tables["units"]
    here = villages["village_id"].isin(units.loc[units["zone_id"] == zone, "unit_id"])
    points = front.window.to_paper(village_points(villages)[here].to_numpy())
    named = zip(villages.loc[here, "name"], points, strict=True)
    return [(zone, name, square(front.window, point)) for name, point in named]


def _contents(
    desk: Desk, zones: list[str], fronts: list[MapPage], squares: list[tuple[str, str, str]], paper: str
) -> TextPage:
    head = tuple(text(f"sheet.book.{name}") for name in ("zone", "scale", "page"))
    rows = tuple(
        (zone, f"1:{front.window.scale:,}", page_of(f"zone-{zone}")) for zone, front in zip(zones, fronts, strict=True)
    )
    each = -(-len(squares) // VILLAGE_COLUMNS)
    parts = [squares[start : start + each] for start in range(0, len(squares), each)] if squares else []
    villages = Columns(tuple((_villages(part),) for part in parts)) if parts else Words(text("sheet.book.no_villages"))
    blocks = (
        Words(text("sheet.book.help"), quiet=True),
        Heading(text("sheet.book.zones")),
        Table(head, rows, widths=(1, 1, 1), numbers=(1, 2)),
        Heading(text("sheet.book.villages")),
        villages,
    )
    return TextPage(text("sheet.book.contents"), blocks, desk.study.name, paper=paper, fit=True)


def _villages(part: list[tuple[str, str, str]]) -> Table:
    head = tuple(text(f"sheet.book.{name}") for name in ("village", "zone", "page", "square"))
    rows = tuple((name, zone, page_of(f"zone-{zone}"), square) for zone, name, square in part)
    return Table(head, rows, widths=(1, 0, 0, 0), numbers=(2,))
