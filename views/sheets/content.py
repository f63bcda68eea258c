"""What a sheet's pages are made of: words, facts, tables, pictures, maps. The same content makes a PDF and a docx.

In:     words and numbers that are ready.
Out:    frozen blocks and pages; ``write_sheets`` sets them in the shared frame.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from gis_data.catalogue import language, text
from views.sheets.frame import PAPERS, Layout, MapDrawing, MapWindow, grid_step_m, scale_bar, write_pdf
from views.sheets.imprint import Imprint


@dataclass(frozen=True)
class Heading:
    """A heading inside a page."""

    words: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    words: str
    strong: bool = False
    quiet: bool = False
    kind: str = field(default="words", init=False)


@dataclass(frozen=True)
class Facts:
    """Names and values in ``columns`` pairs of columns."""

    rows: tuple[tuple[str, str], ...]
    columns: int = 1
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Table:
    """A table of words.

    Attributes
    ----------
    widths
        Shares of the free width; 0 for a column as wide as its words. Shares for all columns where it is empty.
    numbers
        Columns that stand to the right.
    lined, row_mm
        A form to fill in by hand: lines around every cell, rows at least so high.
    empty
        What stands instead of a table without rows.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()
    numbers: tuple[int, ...] = ()
    lined: bool = False
    row_mm: float = 0.0
    empty: str = ""
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Mark:
    """Words in a drawing, beginning at, ending at or around (``side``) a point in millimetres of it.

    Not as SVG text: a variable font would be drawn there in its thinnest master.
    """

    x: float
    y: float
    words: str
    size_pt: float = 7.0
    side: str = "left"


@dataclass(frozen=True)
class Picture:
    """A drawing of an exact size."""

    svg: str
    width_mm: float
    height_mm: float
    marks: tuple[Mark, ...] = ()
    kind: str = field(default="picture", init=False)


@dataclass(frozen=True)
class Columns:
    """Blocks side by side."""

    groups: tuple[tuple["Block", ...], ...]
    kind: str = field(default="columns", init=False)


Block = Heading | Words | Facts | Table | Picture | Columns


@dataclass(frozen=True)
class TextPage:
    """A page of blocks; it flows on over further pages, or (``fit``) takes smaller letters to stay one page.

    ``letters_pt`` is the size of letters on a page that flows. ``level`` is the bookmark's depth (0 for none); ``odd``
    begins on the front of a leaf; ``page_link`` leads to a page by its ``anchor``.
    """

    title: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    paper: str = "A4"
    lying: bool = False
    fit: bool = False
    letters_pt: float = 9.5
    level: int = 1
    odd: bool = False
    anchor: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the paper, millimetres."""
        short, long = PAPERS[self.paper]
        return (long, short) if self.lying else (short, long)


@dataclass(frozen=True)
class MapPage:
    """A page with a map at true scale, its legend below or beside it."""

    title: str
    layout: Layout
    window: MapWindow
    drawing: MapDrawing
    level: int = 1
    odd: bool = False
    anchor: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the paper, millimetres."""
        return self.layout.width, self.layout.height


LONG_EMS, LONG_SHARE = 22.0, 2.0


def page_link(anchor: str, number: int) -> str:
    """Return a table's cell that says a page's number and leads to the page with that anchor."""
    return f"@page:{anchor} {number}"


@dataclass(frozen=True)
class BoundPage:
    """A page that is finished but for its number: page ``part`` of a PDF, ``further`` what flowed on (``binding``)."""

    whole: TextPage | MapPage
    made: bytes = field(repr=False)
    part: int
    further: bool = False


Page = TextPage | MapPage | BoundPage


def write_sheets(imprint: Imprint, title: str, pages: Iterable[Page], path: Path) -> Path:
    """Set pages as one PDF. The same pages and imprint give the same bytes.

    A path that ends in ``.png`` gets a picture of the first page; the others are not set, so that nobody waits for
    them, and not counted.
    """
    of_picture = path.suffix == ".png"
    data, files = as_data(imprint, islice(pages, 1) if of_picture else pages)
    if of_picture:
        data["page"] = data["page"].replace("{count}", "…")
    return write_pdf("sheets.typ", data | {"title": title}, path, files=files)


def as_data(imprint: Imprint, pages: Iterable[Page]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return pages and imprint as the template takes them, and the files that these name."""
    names: dict[bytes, str] = {}
    data = [_page(page, lambda made: names.setdefault(made, f"{len(names)}.pdf")) for page in pages]
    return {"lang": language(), "numbered": True, "pages": data, **imprint.words()}, {f: m for m, f in names.items()}


def _page(page: Page, file: Callable[[bytes], str]) -> dict[str, Any]:
    if isinstance(page, BoundPage):
        whole = page.whole
        return (
            _common(whole)
            | {"kind": "bound", "file": file(page.made), "part": page.part}
            | ({"level": 0, "odd": False, "anchor": ""} if page.further else {})
        )
    if isinstance(page, TextPage):
        blocks = [_block(block) for block in page.blocks]
        return _common(page) | {"kind": "text", "subtitle": page.subtitle, "fit": page.fit,
                                "letters": page.letters_pt, "blocks": blocks}  # fmt: skip
    scale, drawn = page.window.scale, page.drawing
    return _common(page) | {
        "kind": "map",
        "subtitle": text("sheet.subtitle", scale=f"{scale:,}", grid_km=f"{grid_step_m(scale) / 1000:g}"),
        "print_at_100": text("sheet.print_at_100"),
        "legend": drawn.legend,
        "legend_box": asdict(page.layout.legend),
        "map": {
            "frame": asdict(page.window.frame), "picture": file(drawn.picture), "labels": drawn.labels,
            "north": asdict(drawn.north), "bar": scale_bar(scale), "turn": -page.window.turn_deg,
        },
    }  # fmt: skip


def _common(page: TextPage | MapPage) -> dict[str, Any]:
    width, height = page.size
    return {"title": page.title, "level": page.level, "odd": page.odd, "anchor": page.anchor,
            "width": width, "height": height}  # fmt: skip


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Columns):
        return {"kind": block.kind, "groups": [[_block(one) for one in group] for group in block.groups]}
    plain = asdict(block)
    if isinstance(block, Table):
        plain["widths"] = _widths(block)
    return plain


def _widths(table: Table) -> list[float]:
    """Return a table's widths; a column of words that long takes a share, or it would push the others off the paper."""
    widths = table.widths or (1.0,) * len(table.head)
    longest = [max((_ems(line[at]) for line in table.rows), default=0) for at in range(len(table.head))]
    return [width or (LONG_SHARE if ems > LONG_EMS else 0.0) for width, ems in zip(widths, longest, strict=True)]


def _ems(words: str) -> float:
    """Return about how wide words are; a Latin letter is half a Chinese sign."""
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.5 for sign in words)
