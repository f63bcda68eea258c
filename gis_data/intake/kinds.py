"""Kinds: what a file is, told by its first bytes; its ending is only a name.

In:     any file.
Out:    one of ``KINDS``, "locked" for a file under a password, or "" for what nobody here reads.
Method: the signatures of the formats themselves. Systems write HTML and tab-separated text under «.xls», people rename
        files by hand, and an archive may hold anything: none of that is believed or disbelieved, it is looked at.
"""

import re
import zipfile
from pathlib import Path

KINDS = {
    # The ending under which the programs that read this kind look for it; the first is the one given to copies.
    "text": (".csv", ".txt", ".tsv"),
    "xlsx": (".xlsx", ".xlsm"),
    "xls": (".xls",),
    "html": (".html", ".htm"),
    "parquet": (".parquet",),
    "geojson": (".geojson", ".json"),
    "gpkg": (".gpkg",),
    "shp": (".shp",),
    "kml": (".kml",),
    "fgb": (".fgb",),
    "osm": (".osm",),
    "pbf": (".pbf",),
    "zip": (".zip", ".kmz"),
}
LAYERS = frozenset({"geojson", "gpkg", "shp", "kml", "fgb"})
OSM = frozenset({"osm", "pbf"})
# Their readers (GDAL among them) choose by the ending, so a copy under the right one is made where it lies.
CHOSEN_BY_ENDING = LAYERS | OSM | {"parquet"}
LOCKED = "locked"

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"AC10", b"GIF8", b"{\\rtf")
_ROOTS = {"kml": "kml", "osm": "osm"}
_HTML = frozenset(
    {"html", "head", "body", "meta", "table", "style", "div", "form", "center", "font", "title", "script"}
)
_BEFORE_ROOT = re.compile(r"^(\s|<\?.*?\?>|<!--.*?-->)+", re.DOTALL)
_TAG = re.compile(r"<(!doctype\s+)?(?:\w+:)?(\w+)", re.IGNORECASE)


def kind_of(path: Path) -> str:
    """Return the kind of a file by its content."""
    with path.open("rb") as file:
        head = file.read(8192)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_package(path, head)
    if head.startswith(_OLE):
        return _kind_of_compound(path)
    if head.startswith(b"SQLite format 3\x00"):
        return "gpkg"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x00\x00\x27\x0a"):
        return "shp"
    if head.startswith(b"fgb\x03"):
        return "fgb"
    if head[4:15] == b"\x0a\x09OSMHeader":
        return "pbf"
    return "" if head.startswith(_FOREIGN) else _kind_of_text(head)


def _kind_of_package(path: Path, head: bytes) -> str:
    """Return what a zip container is: a workbook, a document nobody here reads, or an archive of files."""
    try:
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
    except Exception:  # zipfile raises many things on damaged bytes
        # Torn, or no zip at all: the reader of what it began as says so.
        return "xlsx" if any(name in head for name in (b"[Content_Types].xml", b"docProps/", b"xl/")) else "zip"
    if "[Content_Types].xml" in names:
        return "xlsx" if any(name.lower().startswith("xl/") and name.endswith(".xml") for name in names) else ""
    return "" if "mimetype" in names and "content.xml" in names else "zip"


def _kind_of_compound(path: Path) -> str:
    """Return what an OLE container is: an old workbook, a workbook under a password, or a document."""
    raw = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in raw:
        return LOCKED
    return "xls" if any(name.encode("utf-16-le") in raw for name in ("Workbook", "WORKBOOK", "Book", "BOOK")) else ""


def _kind_of_text(head: bytes) -> str:
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
    text = head.decode(encoding, errors="replace").removeprefix("\u00ef\u00bb\u00bf").lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        return "geojson"
    if not text.startswith("<"):
        return "text"
    tag = _TAG.match(_BEFORE_ROOT.sub("", text))
    if tag is None:
        return "text"
    root = tag[2].lower()
    if root in _HTML:
        return "html"
    return _ROOTS.get(root, "" if text.startswith("<?xml") else "text")
