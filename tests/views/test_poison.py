"""A poisoned file taken in through the dashboard, planned and printed: no byte that leaves the station tells of it."""

import re
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docx
import pandas as pd
import pypdfium2
import pytest
from PIL import Image, PngImagePlugin
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from gis_data.catalogue import text
from gis_data.tables import TABLES
from gis_data.workspace import Workspace
from tests.poison import NAMES, PHONES, held_by, leaks, poisoned
from views.command import app
from views.downloads import Download
from views.pages import frame

from .test_data_page import alerts, pressed
from .test_pages import shown
from .test_take import OF_THE_TOWN, PAGES
from .tiny_town import CRS, study, tiny_tables

CROSSED = ("barriers", "water")  # left out: all plans can be made where no river parts the villages
COMES_IN = 2
QUICK = ("zones.count=2", "hotspots.simulations=19", "hotspots.life_simulations=19")
LOOKED_AT = {**PAGES, **OF_THE_TOWN}.keys() - {("edit", ""), ("edit", "mode=checkpoints"), ("cameras", "village=V5")}


def good(number: int) -> dict[str, object]:
    """Return a row of the tiny town's last week."""
    at = pd.Timestamp("2023-12-25 10:11") + pd.Timedelta(hours=6 * number)
    return {
        "接警单编号": f"370283012023122{number:05d}", "报警时间": f"{at:%Y-%m-%d %H:%M}", "警情类别": "刑事警情",
        "警情类型": "盗窃", "报警方式": "110", "案发部位": "集市", "作案手段": "撬锁", "村庄": "集上",
        "经度": f"{120.0335 + number * 1e-5:.6f}", "纬度": "36.818200",
    }  # fmt: skip


@dataclass
class Station:
    """A workspace, the folder that temporary files go to, and all that was said on the way."""

    root: Path
    temporary: Path
    said: str


@pytest.fixture(scope="module")
def station(tmp_path_factory) -> Iterator[Station]:
    """Take the poisoned workbook in on the page Data, its columns about persons dropped; plan and print everything."""
    root, temporary = tmp_path_factory.mktemp("poison") / "town", tmp_path_factory.mktemp("temporary")
    ws = Workspace.create(root, study())
    tables = {name: table for name, table in tiny_tables().items() if name not in CROSSED}
    ws.write({name: TABLES[name].conform(table, crs=CRS) for name, table in tables.items()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("TMPDIR", str(temporary))
        file = poisoned(tmp_path_factory.mktemp("files"), good)
        page = shown(root, "data")
        page = page.file_uploader[0].set_value([(file.name, file.read_bytes(), "application/octet-stream")]).run()
        page = next(box for box in page.checkbox if box.label == text("page.upload.drop_persons")).check().run()
        page = pressed(page, "import")
        said = alerts(page) + everything_on(page)
        quick = [word for part in QUICK for word in ("--set", part)]
        for words in (["plan", str(root), *quick], ["print", str(root)], ["audit", str(root)]):
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0, done.output
            said += done.output
        yield Station(root, temporary, said)


def everything_on(page: AppTest) -> str:
    """Return all that a page sends to the browser, maps included."""
    return "".join(repr(element.proto) for part in (page.main, page.sidebar) for element in every(part))


def every(part) -> Iterator:
    for child in part.children.values():
        yield from every(child) if hasattr(child, "children") else (child,)


def test_what_can_come_in_does(station):
    incidents = Workspace.open(station.root).read("incidents")
    ours = incidents[incidents["source_file"] != ""]
    assert len(ours) >= COMES_IN
    assert set(ours["village_id"]) == {"V5"}


def test_no_file_of_the_workspace_tells_of_a_person_whatever_was_planned_and_printed(station):
    kinds = {path.suffix for path in (station.root / "out").iterdir()}
    assert kinds >= {".pdf", ".docx", ".xlsx", ".gpkg"}
    assert {path.name for path in (station.root / "out").iterdir()} >= {
        text("sheet.file_quality_pdf"), text("sheet.file_quality_xlsx"),
    }  # fmt: skip
    assert {"jobs", "plans", "set_aside", "out"} <= {path.name for path in station.root.iterdir() if path.is_dir()}
    assert leaks(station.root) == []


def test_nothing_is_left_among_temporary_files_and_nothing_was_said(station):
    assert leaks(station.temporary) == []
    assert held_by(station.said.encode()) == set()


def test_no_page_shows_a_person_and_no_download_holds_one(station, monkeypatch):
    offers: list[Download] = []
    monkeypatch.setattr(frame, "download", lambda _, one, **__: offers.append(one))
    for name, query in sorted(LOOKED_AT):
        page = shown(station.root, name, **dict(part.split("=") for part in query.split("&") if part))
        assert held_by(everything_on(page).encode()) == set(), (name, query)
    distinct = {one.file: one for one in offers}
    assert {re.sub(r".*\.", "", file) for file in distinct} >= {"csv", "xlsx", "pdf", "png", "gpkg", "geojson"}
    printed = {path.name for path in (station.root / "out").iterdir()}
    for one in (one for file, one in distinct.items() if file not in printed):
        assert held_by(one.make()) == set(), one.file


@pytest.mark.parametrize("secret", [NAMES[0], PHONES[0]])
def test_the_search_finds_what_is_packed_drawn_or_escaped(tmp_path, secret):
    """The referee of the tests above: a search that opened nothing would find nothing."""
    (tmp_path / "utf.txt").write_bytes(secret.encode("utf-16-le"))
    (tmp_path / "gbk.csv").write_bytes(f"名,{secret}".encode("gb18030"))
    (tmp_path / "escaped.json").write_text("".join(f"\\u{ord(letter):04x}" for letter in secret))
    (tmp_path / "escaped.xml").write_text("".join(f"&#{ord(letter)};" for letter in secret))
    pd.DataFrame({"name": [secret]}).to_parquet(tmp_path / "t.parquet")
    pd.DataFrame({"name": [secret]}).to_excel(tmp_path / "t.xlsx")
    document = docx.Document()
    document.add_paragraph(secret)
    document.save(tmp_path / "t.docx")
    with sqlite3.connect(tmp_path / "t.gpkg") as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (?)", ["x" * 4_000 + secret])
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Title", secret, zip=True)
    Image.new("L", (9, 9)).save(tmp_path / "t.png", pnginfo=info)
    with pypdfium2.PdfDocument.new() as pages:
        pages.new_page(9, 9)
        pages.save(tmp_path / "t.pdf")
    with (tmp_path / "t.pdf").open("ab") as file:
        file.write(b"9 0 obj\n<<>>\nstream\n" + zlib.compress(secret.encode("utf-16-be")) + b"\nendstream\nendobj")
    found = [line.split(":")[0] for line in leaks(tmp_path, [secret])]
    assert found == sorted(path.name for path in tmp_path.iterdir())
