"""Everything that can be printed from a workspace, one by one: what it is, its file, and how to make it.

In:     a workspace and the plans to print.
Out:    ``Product`` s in the order of the week; each writes itself into a file, a sheet also as a picture of its first
        page (a path that ends in ``.png``).
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gis_data.audit import last
from gis_data.catalogue import text
from gis_data.study import Study
from gis_data.workspace import Workspace
from models.plan import Plan
from views.beat_book import write_beat_book
from views.camera_book import write_camera_book
from views.documents import write_scorecard
from views.public_card import write_public_card
from views.quality import quality_of
from views.quality_book import write_quality_book
from views.sheets.quality_sheet import write_quality_sheet
from views.sheets.zone_sheet import GROUND, write_zone_sheet
from views.zone_book import write_zone_book

Tables = Callable[[str], Any]


@dataclass(frozen=True)
class Product:
    """One thing to print: its key, its kind under ``page.print.kind``, its name, its file, and what writes it."""

    key: str
    kind: str
    name: str
    file: str
    write: Callable[[Path], Path]

    @property
    def has_picture(self) -> bool:
        """Whether it is a sheet of paper, which can be looked at before it is printed."""
        return self.file.endswith(".pdf")

    def made(self) -> bytes:
        """Return its file."""
        return self._written(self.file)

    def picture(self) -> bytes:
        """Return its first page as a png."""
        return self._written("page.png")

    def _written(self, file: str) -> bytes:
        with TemporaryDirectory() as folder:
            return self.write(Path(folder) / file).read_bytes()


def products(ws: Workspace, read: Tables, plans: Mapping[str, Plan]) -> list[Product]:
    """Return what can be printed from the plans that there are."""
    return [*_sheets(ws, read, plans), *_books(ws.study, read, plans)]


def _sheets(ws: Workspace, read: Tables, plans: Mapping[str, Plan]) -> Iterator[Product]:
    study, audit = ws.study, last(ws.root / "audit.jsonl")
    today = datetime.datetime.now(tz=datetime.UTC).astimezone().date()
    if "zones" in plans:
        for zone in plans["zones"].to_frame()["zone_id"]:

            def write(path: Path, zone: str = str(zone)) -> Path:
                ground = {name: read(name) for name in GROUND}
                return write_zone_sheet(study, ground, plans, zone, path, printed_on=today, audit=audit)

            yield _product("zone_sheet", text("sheet.file", zone=zone), write, key=f"zone {zone}")
    if len(read("imports")):

        def quality(path: Path) -> Path:
            return write_quality_sheet(study, quality_of(read), read("roads"), path, printed_on=today, audit=audit)

        yield _product("quality_sheet", text("sheet.file_quality_pdf"), quality)


def _books(study: Study, read: Tables, plans: Mapping[str, Plan]) -> Iterator[Product]:
    if "zones" in plans:
        write = partial(write_zone_book, plans["zones"], plans.get("options"), study)
        yield _product("zone_book", text("sheet.file_zones"), write)
    if "beats" in plans:
        yield _product("beat_book", text("sheet.file_beats"), partial(write_beat_book, plans["beats"], study))
    if "scorecard" in plans and "zones" in plans:
        write = partial(write_scorecard, plans["scorecard"], plans["zones"], study)
        yield _product("scorecard", text("sheet.file_scorecard"), write)
        public = partial(write_public_card, plans["scorecard"], study)
        yield _product("public_card", text("sheet.file_public_card"), public)
    if "cameras" in plans:
        yield _product("camera_book", text("camera_book.file"), partial(write_camera_book, plans["cameras"], study))
    if len(read("imports")):

        def quality(path: Path) -> Path:
            return write_quality_book(quality_of(read), study, path)

        yield _product("quality_book", text("sheet.file_quality_xlsx"), quality)


def _product(kind: str, file: str, write: Callable[[Path], Path], *, key: str = "") -> Product:
    return Product(key or kind, kind, Path(file).stem, file, write)
