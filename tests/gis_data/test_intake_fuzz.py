"""Mangled files and any cells at all: each ends in a report or in one sentence, and no row gets lost.

A thousand files; more, or others, by one command:
``XUNQU_FUZZ=5000 XUNQU_FUZZ_SEED=7 python -m pytest tests/gis_data/test_intake_fuzz.py``
"""

import csv
import io
import os
import random
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis_data.errors import PatrolError
from gis_data.intake import FileReport, import_files, new_workspace
from gis_data.intake.preview import preview
from gis_data.workspace import Workspace
from tests.gis_data import made_files as made

FILES = int(os.environ.get("XUNQU_FUZZ", "1000"))
SEED = int(os.environ.get("XUNQU_FUZZ_SEED", "20240305"))
SUFFIXES = (
    ".csv", ".txt", ".tsv", ".xls", ".xlsx", ".xlsm", ".html", ".json", ".geojson", ".gpkg", ".shp", ".kml", ".fgb",
    ".parquet", ".zip", ".kmz", ".osm", ".pbf", ".dbf", ".docx", "",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-32", "big5", "shift-jis", "cp1252", "utf-7")
VILLAGES = "村庄,人口,经度,纬度\n张家庄村,900,119.81,36.61\n东河村,300,119.85,36.63\n"
WORDS = [
    *made.HEAD, "村庄", "人口", "月份", "时段", "巡组编号", "巡逻方式", "监控编号", "方位角", "序号", "备注",
    "报警人电话",
    "", "盗窃", "刑事警情", "2024-03-05 10:30", "昨晚", "1899-12-30", "45356.5", "0", "-1", "1e999", "nan", "inf",
    "119.83", "36.61", "=1+1", "13800001111", "３７０２", "\x00", "\ufeff", "\u202e", "😀", '"', "a\nb", "a\tb", ",",
    "东河村",
    "9" * 400, "村" * 5000, "24:00", "2024年2月30日", "0000-00-00",
]  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("fuzz")
    boundary = folder / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    (folder / "村庄.csv").write_text(VILLAGES, encoding="utf-8")
    ws = new_workspace(folder / "town", name="禾川镇", boundary=boundary)
    import_files(ws, [folder / "村庄.csv"])
    return ws


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    whole = {name: make(folder) for name, make in made.MADE.items()}
    shape = made.shapefile(folder / "shp", encoding="GBK", cpg="UTF-8")
    whole["zip of shapefile"] = made.as_zip({part.name: part.read_bytes() for part in shape.parent.iterdir()})
    whole["zip of all"] = made.as_zip({f"{n}.x": content for n, content in enumerate(list(whole.values())[:12])})
    whole["villages"] = VILLAGES.encode()
    return whole


# --- ways to mangle


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def flip(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 3, 20, 200))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def swap_blocks(raw: bytes, chance: random.Random) -> bytes:
    first, second, third = sorted(chance.randrange(len(raw) + 1) for _ in range(3))
    return raw[:first] + raw[second:third] + raw[first:second] + raw[third:]


def double(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + raw[max(0, at - chance.randrange(1, 500)) :]


def nuls(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + b"\x00" * chance.choice((1, 7, 4096)) + raw[at:]


def noise(raw: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 7, 300, 20_000)))


def noise_behind_its_mark(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.choice((4, 8, 16, 100))] + chance.randbytes(chance.choice((0, 30, 3000)))


def other_encoding(raw: bytes, chance: random.Random) -> bytes:
    text = raw.decode("utf-8", errors="replace")
    return text.encode(chance.choice(ENCODINGS), errors="replace")


def strange_table(raw: bytes, chance: random.Random) -> bytes:
    """Return text of ragged rows, doubled headers and strange cells."""
    width = chance.choice((0, 1, 3, 9, 300))
    rows = [[chance.choice(WORDS) for _ in range(max(0, width + chance.randrange(-2, 3)))] for _ in range(12)]
    rows.insert(chance.randrange(3), made.HEAD + made.HEAD[: chance.randrange(7)])
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if chance.random() < 0.5 else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=chance.choice(",\t;|"), quoting=quoting).writerows(rows)
    return out.getvalue().encode(chance.choice(("utf-8", "gb18030", "utf-16")))


def strange_workbook(raw: bytes, chance: random.Random) -> bytes:
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("空"), book.create_sheet("x" * 31)):
        for _ in range(chance.choice((0, 1, 8))):
            words = [chance.choice([*WORDS, 5, -0.5, True, None, 1e300]) for _ in range(chance.randrange(12))]
            sheet.append([None if isinstance(word, str) and "\x00" in word else word for word in words])
        if chance.random() < 0.5:
            sheet.insert_rows(1)
            for column, name in enumerate(made.HEAD, start=1):
                sheet.cell(1, column, name)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def strange_page(raw: bytes, chance: random.Random) -> bytes:
    def cells(words: list[str], tag: str) -> str:
        spans = (
            f" rowspan={chance.choice(['2', '0', '-1', 'x', '99999'])}" if chance.random() < 0.1 else "" for _ in words
        )
        return "".join(f"<{tag}{span}>{word}" for word, span in zip(words, spans, strict=True))

    rows = [cells(made.HEAD, "th")] + [cells([chance.choice(WORDS) for _ in range(7)], "td") for _ in range(9)]
    page = "<table>" + "<tr>".join(rows) + chance.choice(("</table>", "", "<table><tr>"))
    return page.encode(chance.choice(("utf-8", "gb18030", "utf-16")))


def shuffled_members(raw: bytes, chance: random.Random) -> bytes:
    """Return a zip (a workbook is one) with its members in another order, some lost, some mangled, some twice."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # the mangling before this one tore it
        members = [("a.csv", raw), ("b.xlsx", raw)]
    chance.shuffle(members)
    out = io.BytesIO()
    names = [name for name, _ in members]
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of doubled names
        for name, content in members:
            fate = chance.random()
            if fate < 0.15:
                continue
            mangled = flip(content, chance) if fate < 0.35 else content
            archive.writestr(chance.choice(["../a", "a/b", "é", "a" * 300, *names]) if fate > 0.93 else name, mangled)
    return out.getvalue()


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    cut, flip, swap_blocks, double, nuls, noise, noise_behind_its_mark, other_encoding, strange_table, strange_workbook,
    strange_page, shuffled_members,
)  # fmt: skip


def mangled(number: int, seeds: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the name and content of one mangled file; the same for the same number."""
    chance = random.Random(SEED * 1_000_003 + number)
    kind = chance.choice(sorted(seeds))
    content = seeds[kind]
    ways = [WAYS[number % len(WAYS)], *(chance.choice(WAYS) for _ in range(chance.choice((0, 0, 1, 2))))]
    for way in ways:
        content = way(content, chance)
    natural = made.TRUE_SUFFIX.get(kind.split()[0], f".{kind.split()[0]}")
    suffix = chance.choice(SUFFIXES) if chance.random() < 0.4 else natural
    return f"{number}{suffix}", content


@pytest.mark.slow
def test_mangled_files_end_in_a_report_or_in_one_sentence(town: Workspace, seeds: dict[str, bytes], tmp_path: Path):
    ends: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for number in range(FILES):
        name, content = mangled(number, seeds)
        path = tmp_path / name
        path.write_bytes(content)
        try:
            for one in import_files(town, [path], dry_run=True).files:
                ends["report"] += 1
                if one.accepted + one.set_aside + one.refused != one.rows_read:
                    wrong[name] = "rows lost"
        except PatrolError as told:
            ends[told.key] += 1
            if not str(told).strip() or "\n" in str(told).strip():
                wrong[name] = f"not one sentence: {str(told)[:200]!r}"
        except Exception as problem:
            wrong[name] = repr(problem)[:300]
        path.unlink()
    assert not wrong
    # The mangling is neither so rough that all is refused at once, nor so gentle that nothing is.
    assert ends["report"] > FILES / 10
    assert ends["intake.damaged"] > FILES / 10


def test_a_preview_of_mangled_files_ends_the_same_way(town: Workspace, seeds: dict[str, bytes], tmp_path: Path):
    for number in range(0, 240, 2):
        name, content = mangled(number, seeds)
        path = tmp_path / name
        path.write_bytes(content)
        try:
            shown = preview(path, town).sheets
        except PatrolError:
            continue
        assert not any(sheet.refused and len(sheet.head) for sheet in shown)


def test_whole_files_come_in_whole_before_they_are_mangled(town: Workspace, seeds: dict[str, bytes], tmp_path: Path):
    """The fuzz would prove little if its seeds were refused already."""
    for kind, content in seeds.items():
        path = tmp_path / kind
        path.write_bytes(content)
        accepted = sum(one.accepted for one in import_files(town, [path], dry_run=True).files)
        assert accepted >= (0 if kind in ("zip of all", "villages") else 3), kind


# --- any cells at all

CELLS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30),
    st.sampled_from([word for word in WORDS if "\x00" not in word]),
    st.floats(allow_nan=False).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.datetimes().map(str),
)
LIKELY = {
    "接警单编号": st.integers(0, 5).map(lambda number: f"3702830120240305{number:04d}"),
    "报警时间": st.integers(0, 3).map(lambda minute: f"2024-03-05 10:0{minute}"),
    "警情类别": st.just("刑事警情"),
    "警情类型": st.sampled_from(["盗窃", "诈骗"]),
    "经度": st.just("119.83"),
    "纬度": st.just("36.61"),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {name: st.one_of(LIKELY.get(name, CELLS), CELLS) for name in [*made.HEAD, "抓获人数", "作案手法"]}
    ),
    min_size=1,
    max_size=8,
)


@given(rows=ROWS, workbook=st.booleans())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_stands_in_the_cells_every_row_is_in_one_place(
    town: Workspace, tmp_path: Path, rows: list[dict[str, str]], workbook: bool
):
    path = written(tmp_path, rows, workbook=workbook)
    if path is None:
        return
    (one,) = import_files(town, [path]).files
    if one.already:
        return
    filled = [number for number, row in enumerate(rows, start=2) if any(cell.strip() for cell in row.values())]
    assert one.rows_read == len(filled)
    check_places(town, one, filled)


def written(tmp_path: Path, rows: list[dict[str, str]], *, workbook: bool) -> Path | None:
    """Write the rows as csv or xlsx; None where a workbook cannot hold a cell."""
    if not workbook:
        path = tmp_path / "表.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path
    book = openpyxl.Workbook()
    try:
        for line in (list(rows[0]), *(list(row.values()) for row in rows)):
            book.active.append([f"'{cell}" if cell.startswith("=") else cell for cell in line])
    except (openpyxl.utils.exceptions.IllegalCharacterError, ValueError):
        return None
    book.save(tmp_path / "表.xlsx")
    return tmp_path / "表.xlsx"


def check_places(ws: Workspace, one: FileReport, filled: list[int]) -> None:
    """Check that each row is accepted, set aside or refused, and nowhere twice."""
    accepted = rows_of(ws.read("incidents"), "source_row", one.import_id)
    aside = rows_of(ws.read("aside"), "row", one.import_id)
    assert len(accepted) == len(set(accepted)) == one.accepted
    assert len(aside) == len(set(aside)) == one.set_aside
    assert not set(accepted) & set(aside)
    assert set(accepted) | set(aside) <= set(filled)
    assert len(filled) - len(accepted) - len(aside) == one.refused


def rows_of(table: pd.DataFrame, column: str, import_id: str) -> list[int]:
    return [int(number) for number in table.loc[table["import_id"] == import_id, column]]
