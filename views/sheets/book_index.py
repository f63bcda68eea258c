"""The contents of the map book: each zone's page and scale, each village's page and index square.

In:     zones in the order of their leaves, and the number that each leaf has got.
Out:    as many pages as the villages need, in letters of one size: one that tries sizes costs a city 150 MB.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from gis_data.catalogue import text
from views.sheets import frame
from views.sheets.content import Block, Columns, Heading, Table, TextPage, Words, page_link

COLUMNS = 3
LETTERS_PT = {"A4": 9.0, "A3": 12.0}
ROW_MM, HEADING_MM = 0.49, 1.0  # for each point of the letters


class Index:
    """Zones and villages of a book, entered leaf by leaf."""

    def __init__(self, town: str, paper: str) -> None:
        self.town, self.paper = town, paper
        self.letters_pt = LETTERS_PT[paper]
        self.zones: list[tuple[str, int]] = []
        self.villages: list[tuple[str, str, str]] = []

    def enter(self, zone: str, scale: int, squares: Sequence[tuple[str, str]]) -> None:
        """Enter a zone with its map's scale, and name and square of each of its villages."""
        self.zones.append((zone, scale))
        self.villages += [(name, zone, square) for name, square in squares]

    def pages(self, numbers: Mapping[str, int]) -> list[TextPage]:
        """Return the contents' pages; ``numbers`` are those of the pages by their anchor, 0 where not yet known."""
        page = {zone: numbers.get(f"zone-{zone}", 0) for zone, _ in self.zones}
        # Only the zones lead to their pages: typst takes 200 kB a link, and the zone stands beside each village.
        zones = [(zone, f"1:{scale:,}", page_link(f"zone-{zone}", page[zone])) for zone, scale in self.zones]
        villages = [(name, zone, f"{page[zone]}", square) for name, zone, square in self.villages]
        head: list[Block] = [
            Words(text("sheet.book.help"), quiet=True),
            Heading(text("sheet.book.zones")),
            self._listed(zones, ("zone", "scale", "page"), (1.0, 0.0, 0.0), (1, 2)),
            Heading(text("sheet.book.villages")),
        ]
        if not villages:
            return [self._page([*head, Words(text("sheet.book.no_villages"))], first=True)]
        first = self._fitting(4 * HEADING_MM + -(-len(zones) // COLUMNS) * ROW_MM)
        cuts = [0, *range(first, len(villages), self._fitting(HEADING_MM)), len(villages)]
        parts = [villages[start:end] for start, end in pairwise(cuts)]
        listed = [
            self._listed(part, ("village", "zone", "page", "square"), (1.0, 0.0, 0.0, 0.0), (2,)) for part in parts
        ]
        return [self._page([*head, one] if k == 0 else [one], first=k == 0) for k, one in enumerate(listed)]

    def _fitting(self, taken: float) -> int:
        """Return how many rows, beside and below each other, a page holds when part of its height is taken."""
        height_mm = frame.PAPERS[self.paper][1] - frame.HEAD - frame.TEXT_FOOT
        return max(1, int((height_mm / self.letters_pt - taken) / ROW_MM)) * COLUMNS

    def _listed(
        self, rows: Sequence[tuple[str, ...]], names: tuple[str, ...], widths: tuple[float, ...], right: tuple[int, ...]
    ) -> Block:
        head = tuple(text(f"sheet.book.{name}") for name in names)
        each = max(1, -(-len(rows) // COLUMNS))
        parts = [tuple(rows[start : start + each]) for start in range(0, len(rows), each)]
        parts += [()] * (COLUMNS - len(parts))
        return Columns(tuple((Table(head, part, widths, right),) for part in parts))

    def _page(self, blocks: Sequence[Block], *, first: bool) -> TextPage:
        title = text("sheet.book.contents")
        return TextPage(title, tuple(blocks), self.town, paper=self.paper, letters_pt=self.letters_pt, level=int(first))
