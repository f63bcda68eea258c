"""The door over several imports: what each left behind is known, replaced, taken back, corrected."""

import json
import sqlite3
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gis_data import audit
from gis_data.errors import InputError
from gis_data.intake import ImportReport, import_files, new_workspace, purge_originals, undo_import
from gis_data.intake.identities import hashed
from gis_data.intake.privacy import has_number
from gis_data.workspace import Workspace
from tests.gis_data import made_rows

VILLAGES = {"张家庄村": (119.81, 36.61), "李家屯村": (119.83, 36.61), "东河村": (119.87, 36.67)}


def row(number: int, **changes: object) -> dict[str, object]:
    """Return one good incident; each on its own day, so that no two are taken for one event."""
    day = {"报警时间": f"{pd.Timestamp('2024-03-01 10:11:17') + pd.Timedelta(days=number)}"}
    return made_rows.row(number, **(day | changes))


def csv_of(path: Path, rows: list[dict[str, object]]) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, encoding="utf-8-sig")
    return path


def village_rows() -> list[dict[str, object]]:
    return [{"村庄": name, "人口": 900, "经度": lon, "纬度": lat} for name, (lon, lat) in VILLAGES.items()]


def station(folder: Path, **options) -> Workspace:
    """Return a workspace without villages."""
    folder.mkdir(exist_ok=True)
    boundary = folder / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    return new_workspace(folder / "town", name="禾川镇", boundary=boundary, **options)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    made = station(tmp_path)
    take(made, "村庄.csv", village_rows())
    return made


def take(ws: Workspace, name: str, rows: list[dict[str, object]], **options) -> ImportReport:
    return import_files(ws, [csv_of(ws.root.parent / name, rows)], **options)


def test_every_reason_and_note_is_kept_with_its_rows_and_up_to_three_examples(ws: Workspace):
    rows = [row(n, 报警时间="昨晚") for n in range(5)] + [row(5, 报警方式="信鸽"), row(6, 警情类型="张三13812345678")]
    report = take(ws, "警情.csv", [*rows, row(7), row(8, 报警方式="信鸽")]).files[0]
    kept = ws.read("quality")
    assert kept[["problem", "outcome", "rows", "examples"]].to_numpy().tolist() == [
        ["no_time", "set_aside", 5, "2,3,4"],
        ["private", "refused", 1, "8"],
        ["channel_unknown", "accepted", 2, "7,10"],
    ]
    assert set(kept["import_id"]) == {report.import_id}
    assert report.examples == {"no_time": (2, 3, 4), "private": (8,), "channel_unknown": (7, 10)}
    assert json.loads(ws.read("imports")["problems"].iloc[-1]) == {"no_time": 5, "private": 1, "channel_unknown": 2}


def test_completeness_counts_filled_fields_by_month_and_asks_no_point_of_what_has_no_place(ws: Workspace):
    rows = [row(1), row(2, 经度="0", 案发部位="集市"), row(3, 报警时间="2024-04-01 10:00")]
    take(ws, "警情.csv", [*rows, row(4, 警情类别="治安警情", 警情类型="家庭暴力")])
    found = ws.read("completeness").set_index(["month", "field"])[["rows", "filled"]]
    assert found.loc[("2024-03", "point")].tolist() == [2, 1]
    assert found.loc[("2024-03", "place_type")].tolist() == [3, 1]
    assert found.loc[("2024-04", "point")].tolist() == [1, 1]
    assert found.loc[("2024-03", "arrived_at")].tolist() == [3, 0]


TABLES = ("incidents", "villages", "crews", "cameras", "patrol_hours", "quality", "completeness", "imports", "aside")


def state(ws: Workspace) -> dict[str, object]:
    """Return everything that an undo must bring back, as it is read by others."""
    hashes: dict[str, object] = {name: ws.table_hash(name) for name in TABLES}
    files = {path.relative_to(ws.root).as_posix(): path.read_bytes() for path in ws.root.glob("*/*") if path.is_file()}
    return hashes | files


def waiting(ws: Workspace) -> pd.DataFrame:
    """Return the rows of all files in set_aside/, as a spreadsheet shows them."""
    files = sorted((ws.root / "set_aside").glob("*.csv"))
    found = [pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False) for path in files]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def adds_up(ws: Workspace) -> bool:
    imports = ws.read("imports")
    return bool((imports["rows_read"] == imports["accepted"] + imports["set_aside"] + imports["refused"]).all())


def test_a_corrected_file_replaces_its_rows_and_says_how_many(ws: Workspace):
    take(ws, "三月.csv", [row(1), row(2), row(3)])
    again = [row(2, 警情类型="入室盗窃"), row(3), row(4), row(4, 案发地址="别处")]
    report = take(ws, "三月改.csv", again).files[0]
    assert (report.accepted, report.set_aside, report.replaced) == (3, 1, 2)
    assert report.problems == {"duplicate": 1, "replaced": 2}
    assert report.sentences()[0] == "新增 1 条，更新 2 条。"
    table = ws.read("incidents")
    assert table["type"].tolist() == ["theft", "burglary", "theft", "theft"]
    assert table["source_file"].tolist() == ["三月.csv", "三月改.csv", "三月改.csv", "三月改.csv"]
    assert ws.read("quality").query("problem == 'replaced'")[["outcome", "rows", "examples"]].to_numpy().tolist() == [
        ["accepted", 2, "2,3"]
    ]


def test_the_same_call_on_two_sheets_of_one_book_is_a_duplicate(ws: Workspace):
    path = ws.root.parent / "两月.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([row(1), row(2)]).to_excel(book, sheet_name="一月", index=False)
        pd.DataFrame([row(2), row(3)]).to_excel(book, sheet_name="二月", index=False)
    first, second = import_files(ws, [path]).files
    assert (first.accepted, second.accepted, second.problems) == (2, 1, {"duplicate": 1})
    before = state(ws)
    assert [one.already for one in import_files(ws, [path]).files] == [True]
    assert state(ws) == before


def test_a_zip_that_comes_again_changes_nothing_nor_does_its_content_alone(ws: Workspace):
    inside = csv_of(ws.root.parent / "三月.csv", [row(1), row(2, 报警时间="不详")])
    path = ws.root.parent / "报表.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inside, inside.name)
    assert import_files(ws, [path]).files[0].accepted == 1
    before = state(ws)
    assert all(one.already for one in import_files(ws, [path, inside]).files)
    assert state(ws) == before


def test_undo_brings_back_the_state_before_whatever_the_import_held(ws: Workspace):
    take(ws, "三月.csv", [row(1), row(2), row(3, 报警时间="不详")])
    crews = csv_of(ws.root.parent / "力量.csv", [{"巡组编号": "X1", "巡逻方式": "汽车", "民警数": 1}])
    import_files(ws, [crews])
    before = state(ws)
    newer = csv_of(
        ws.root.parent / "力量2.csv", [{"巡组编号": n, "巡逻方式": "步行", "民警数": 2} for n in ("X0", "X1")]
    )
    moved = [
        {"村庄": "东河村", "人口": 5, "经度": 119.86, "纬度": 36.66},
        {"村庄": "新村", "人口": 5, "经度": 119.82, "纬度": 36.65},
    ]
    villages = csv_of(ws.root.parent / "村庄2.csv", moved)
    hours = csv_of(ws.root.parent / "时长.csv", [{"月份": "2024-03", "村庄": "新村", "时段": "18-24", "巡逻时长": 2}])
    rows = csv_of(
        ws.root.parent / "三月改.csv",
        [row(2, 警情类型="入室盗窃"), row(3), row(5), row(6, 警情类别="甲", 警情类型="乙")],
    )
    import_files(ws, [newer, villages, hours, rows])
    assert ws.read("villages").set_index("name")["population"].to_dict()["东河村"] == 5
    assert waiting(ws)["行号"].tolist() == ["5"]  # row 3 of the first file came again
    done = undo_import(ws)
    assert dict(done.removed) == {"incidents": 3, "villages": 2, "crews": 2, "patrol_hours": 1}
    assert dict(done.restored) == {"incidents": 1, "villages": 1, "crews": 1, "patrol_hours": 0}
    assert state(ws) == before
    assert audit.verify(ws.root / "audit.jsonl") is None
    entry = audit.entries(ws.root / "audit.jsonl")[-1]
    assert (entry["action"], set(entry["inputs"])) == ("undo", {"力量2.csv", "村庄2.csv", "时长.csv", "三月改.csv"})
    assert all(not one.already for one in import_files(ws, [newer, villages, hours, rows]).files)


def test_undo_of_nothing_and_of_an_unknown_import_is_one_sentence(ws: Workspace):
    with pytest.raises(InputError, match=r"I000.*已有的导入：I"):
        undo_import(ws, "I000")
    undo_import(ws)
    with pytest.raises(InputError, match="没有可撤销的"):
        undo_import(ws)
    assert len(ws.read("villages")) == 0


def test_an_import_below_others_can_be_undone_too(ws: Workspace):
    first = take(ws, "一.csv", [row(1), row(2)]).files[0].import_id
    second = take(ws, "二.csv", [row(2, 警情类型="入室盗窃"), row(3)]).files[0].import_id
    take(ws, "三.csv", [row(3, 警情类型="扒窃"), row(4)])
    undo_import(ws, second)
    assert ws.read("incidents")["type"].tolist() == ["theft", "theft", "pickpocketing", "theft"]
    undo_import(ws, first)
    assert ws.read("incidents")["type"].tolist() == ["pickpocketing", "theft"]
    assert len(ws.read("superseded_incidents")) == 0


def test_undo_of_incidents_does_not_need_the_originals(ws: Workspace):
    take(ws, "一.csv", [row(1), row(2)])
    before = ws.table_hash("incidents")
    take(ws, "二.csv", [row(2, 警情类型="入室盗窃"), row(3)])
    for path in (ws.root / "raw").iterdir():
        path.unlink()
    undo_import(ws)
    assert ws.table_hash("incidents") == before


def test_originals_of_incidents_go_after_ninety_days_and_those_of_the_ground_and_villages_stay(ws: Workspace):
    """At the next import; logged before they go, and an import without its original is undone all the same."""
    kept = {path.name for path in (ws.root / "raw").iterdir()}
    take(ws, "一.csv", [row(1), row(2)])
    before = ws.table_hash("incidents")
    original = {path.name for path in (ws.root / "raw").iterdir()} - kept
    assert len(kept) == len(original) == 1
    for days, gone in ((89, set()), (91, original)):
        imports = ws.read("imports")
        old = pd.Timestamp.now(ws.study.timezone) - pd.Timedelta(days=days)
        imports["imported_at"] = imports["imported_at"].mask(imports["file"].isin(["一.csv", "村庄.csv"]), old)
        ws.write({"imports": imports})
        take(ws, f"{days}.csv", [row(days)])
        assert {path.name for path in (ws.root / "raw").iterdir()} & (kept | original) == (kept | original) - gone
    log = [entry for entry in audit.entries(ws.root / "audit.jsonl") if entry["action"] == "purge"]
    assert [entry["parameters"] for entry in log] == [{"files": sorted(original), "older_than_days": 90}]
    assert audit.verify(ws.root / "audit.jsonl") is None
    for file, left in (("91.csv", 3), ("89.csv", 2), ("一.csv", 0)):
        imports = ws.read("imports")
        undo_import(ws, imports["import_id"][imports["file"] == file].iloc[0])
        assert len(ws.read("incidents")) == left
        assert left != 2 or ws.table_hash("incidents") == before


def test_a_purge_on_its_own_removes_what_is_due_and_changes_nothing_where_nothing_is(ws: Workspace):
    take(ws, "一.csv", [row(1)])
    entries = len(audit.entries(ws.root / "audit.jsonl"))
    assert purge_originals(ws) == ()
    assert len(audit.entries(ws.root / "audit.jsonl")) == entries
    ws.write({"imports": ws.read("imports").assign(imported_at=pd.Timestamp("2020-01-01", tz=ws.study.timezone))})
    (gone,) = purge_originals(ws)
    assert gone.endswith("_一.csv")
    assert purge_originals(ws) == ()


def test_villages_that_came_later_take_their_incidents_along_when_they_go(tmp_path: Path):
    made = station(tmp_path)
    take(made, "一.csv", [row(1, 案发地址=""), row(2, 案发地址="")])
    before = made.table_hash("incidents")
    take(made, "村庄.csv", village_rows())
    assert set(made.read("incidents")["village_id"]) == {"李家屯村"}
    take(made, "二.csv", [row(2, 案发地址="", 警情类型="入室盗窃")])
    undo_import(made)
    undo_import(made)
    assert made.table_hash("incidents") == before
    assert set(made.read("incidents")["village_id"]) == {""}


def test_what_became_secret_keeps_no_point_in_what_it_replaced(ws: Workspace):
    take(ws, "一.csv", [row(1)])
    take(ws, "二.csv", [row(1, 警情类别="治安警情", 警情类型="家庭暴力")])
    assert ws.read("superseded_incidents").geometry.is_empty.all()
    undo_import(ws)
    table = ws.read("incidents")
    assert (table["type"].tolist(), table.geometry.is_empty.tolist()) == (["theft"], [True])


def test_nothing_of_an_undone_import_is_left_in_any_byte(ws: Workspace, monkeypatch):
    """Debian's SQLite wipes what it frees; others do not, so it is told not to."""
    connect = sqlite3.connect

    def forgetful(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", forgetful)
    take(ws, "一.csv", [row(1, 案发部位="绝无仅有之处")])
    take(ws, "二.csv", [row(2)])
    report = take(ws, "三.csv", [row(3, 案发部位="另一独特之处", 报警时间="某独特之时")]).files[0]
    undo_import(ws, report.import_id)
    undo_import(ws, ws.read("imports")["import_id"].iloc[1])
    for path in ws.root.rglob("*"):
        if path.is_file():
            found = path.read_bytes()
            for secret in ("绝无仅有之处", "另一独特之处", "某独特之时"):
                assert secret.encode() not in found, (path, secret)


@given(data=st.data())
@settings(max_examples=8, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_imports_less_any_of_them_are_the_imports_that_are_left(tmp_path_factory, data):
    """The referee never undoes anything: it imports what is left into a new workspace."""
    folder = tmp_path_factory.mktemp("undo")
    kinds = ["盗窃", "入室盗窃", "扒窃", "打架"]
    one = st.tuples(st.integers(1, 5), st.sampled_from(kinds))
    files = data.draw(
        st.lists(st.lists(one, min_size=1, max_size=4, unique_by=lambda pair: pair[0]), min_size=2, max_size=4)
    )
    gone = data.draw(st.sets(st.integers(0, len(files) - 1), min_size=1, max_size=len(files) - 1))
    order = data.draw(st.permutations(sorted(gone)))
    paths = [
        csv_of(folder / f"{number}.csv", [row(n, 警情类型=kind, 抓获人数=number) for n, kind in rows])
        for number, rows in enumerate(files)
    ]
    made, left = station(folder / "a", synthetic=True), station(folder / "b", synthetic=True)
    ids = [import_files(made, [path]).files[0].import_id for path in paths]
    for number in order:
        undo_import(made, ids[number])
    for number, path in enumerate(paths):
        if number not in gone:
            import_files(left, [path])
    for name in ("incidents", "superseded_incidents", "completeness"):
        assert made.table_hash(name) == left.table_hash(name), name


def aside_file(ws: Workspace) -> Path:
    return next(iter((ws.root / "set_aside").glob("*.csv")))


def corrected(ws: Workspace, **changes: dict[int, str]) -> Path:
    """Correct the first file in set_aside/ in a spreadsheet: column -> row as the file numbers it -> new cell."""
    path = aside_file(ws)
    table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    for column, cells in changes.items():
        for number, cell in cells.items():
            table.loc[table["行号"] == str(number), column] = cell
    table.to_csv(path, index=False, encoding="utf-8-sig")
    return path


def dirty(ws: Workspace) -> None:
    nowhere = {"经度": "", "纬度": "", "案发地址": "禾川镇东河村李某家"}
    rows = [
        row(1),
        row(2, 报警时间="不详", **nowhere),
        row(3, 经度="121.0"),
        row(1, 案发地址="别处"),
        row(5, 报警时间="？"),
    ]
    take(ws, "三月.csv", rows)


def test_only_the_corrected_rows_move_and_each_is_the_incident_it_was(ws: Workspace, tmp_path: Path):
    dirty(ws)
    before = {name: ws.table_hash(name) for name in ("villages", "superseded_incidents")}
    assert waiting(ws)["行号"].tolist() == ["3", "4", "5", "6"]
    path = corrected(ws, 报警时间={3: "2024-03-03 10:11:17", 6: "还是不详"})
    report = import_files(ws, [path]).files[0]
    assert (report.rows_read, report.accepted, report.set_aside, report.refused) == (4, 1, 3, 0)
    table = ws.read("incidents")
    assert table[["source_file", "source_row"]].to_numpy().tolist() == [["三月.csv", 2], ["三月.csv", 3]]
    assert table["village_id"].tolist()[1] == "东河村"  # the address named it; it is nowhere in set_aside/
    # The same row, right from the start, in another workspace with the same salt.
    right = station(tmp_path / "right")
    (right.root / "salt").write_text(ws.salt)
    take(right, "村庄.csv", village_rows())
    take(right, "三月.csv", [row(2, 经度="", 纬度="", 案发地址="禾川镇东河村李某家", 报警时间="2024-03-03 10:11:17")])
    same = ["incident_id", "reported_at", "type", "village_id", "precision"]
    assert table[same].iloc[1].tolist() == right.read("incidents")[same].iloc[0].tolist()
    # What was touched and is still wrong waits under the new import, with what was written; the rest did not move.
    left = {path.name[:13]: pd.read_csv(path, dtype=str)["行号"].tolist() for path in (ws.root / "set_aside").iterdir()}
    assert left == {ws.read("imports")["import_id"].iloc[1]: ["4", "5"], report.import_id: ["6"]}
    assert "还是不详" in waiting(ws)["报警时间"].tolist()
    assert {name: ws.table_hash(name) for name in before} == before
    assert adds_up(ws)


def test_a_correction_saved_as_a_workbook_and_undone(ws: Workspace):
    dirty(ws)
    before = state(ws)
    path = ws.root.parent / "更正.xlsx"
    table = waiting(ws)
    table.loc[table["行号"] == "4", "经度"] = "119.835"
    table["行号"] = table["行号"].astype(int)
    table.to_excel(path, index=False)
    assert import_files(ws, [path]).files[0].accepted == 1
    assert sorted(waiting(ws)["行号"]) == ["3", "5", "6"]
    assert ws.read("incidents").to_crs(4326).geometry.x.iloc[1] == pytest.approx(119.835)
    done = undo_import(ws)
    assert done.waiting_again == 1
    assert state(ws) == before


def test_a_duplicate_is_one_until_it_has_a_number_of_its_own(ws: Workspace):
    take(ws, "三月.csv", [row(1), row(1, 案发地址="张家庄村", 经度="", 纬度="")])
    kept = ws.table_hash("incidents")
    path = corrected(ws, 警情类型={3: "扒窃"})
    assert import_files(ws, [path]).files[0].problems == {"duplicate": 1}
    assert ws.table_hash("incidents") == kept
    path = corrected(ws, 接警单编号={3: row(9)["接警单编号"]})
    assert import_files(ws, [path]).files[0].accepted == 1
    assert ws.read("incidents")["village_id"].tolist() == ["李家屯村", "张家庄村"]
    assert waiting(ws).empty


def test_a_row_comes_back_though_the_digits_of_its_salted_hash_look_like_a_telephone_number(ws: Workspace):
    numbers = pd.Series([f"37028301202403{n:06d}" for n in range(20_000)], dtype="str")
    number = numbers[hashed(numbers, ws.salt).map(has_number)].iloc[0]
    take(ws, "三月.csv", [row(1), row(2, 接警单编号=number, 报警时间="不详")])
    report = import_files(ws, [corrected(ws, 报警时间={3: "2024-03-03 10:11"})]).files[0]
    assert (report.accepted, report.problems) == (1, {})


FIRST_CALL = {"报警时间": "2024-03-05 10:11", "经度": "119.8301", "纬度": "36.612345"}
OTHER_CALL = {"报警时间": "2024-03-05 10:20", "经度": "119.8309", "纬度": "36.612345"}  # 72 m and 9 minutes on


def test_other_callers_in_a_later_file_join_the_first_call_and_name_it_and_an_undo_takes_that_back(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL), row(30)])
    before = ws.table_hash("incidents")
    far, late = OTHER_CALL | {"经度": "119.8350"}, OTHER_CALL | {"报警时间": "2024-03-05 10:42"}
    other = OTHER_CALL | {"警情类别": "治安警情", "警情类型": "赌博"}
    report = take(ws, "二.csv", [row(2, **OTHER_CALL), row(3, **far), row(4, **late), row(5, **other)]).files[0]
    assert (report.accepted, report.problems) == (3, {"same_event": 1})
    assert ws.read("aside")[["row", "reason", "detail"]].to_numpy().tolist() == [[2, "same_event", "一.csv 2"]]
    assert report.rows_read == report.accepted + report.set_aside
    undo_import(ws)
    assert ws.table_hash("incidents") == before
    assert ws.read("aside").empty


def test_a_call_that_was_joined_to_an_earlier_one_comes_in_when_a_person_says_it_is_another(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL)])
    take(ws, "二.csv", [row(2, **OTHER_CALL)])
    assert import_files(ws, [corrected(ws, 警情类型={2: "扒窃"})]).files[0].accepted == 1
    assert ws.read("incidents")["type"].tolist() == ["theft", "pickpocketing"]


def reasons(ws: Workspace) -> list[str]:
    aside = ws.read("aside")
    return sorted(aside["reason"][aside["moved_to"] == ""])


def test_what_was_joined_to_an_undone_call_says_so_and_comes_in_when_it_comes_again_as_it_is(ws: Workspace):
    first = take(ws, "一.csv", [row(1, **FIRST_CALL), row(30)]).files[0]
    follow = row(5, 关联接警单编号=row(1)["接警单编号"], 报警时间="2024-03-07 09:00", 经度="119.8600")
    take(
        ws,
        "二.csv",
        [row(2, **OTHER_CALL), follow, row(3, **OTHER_CALL | {"经度": "119.8310"}), row(40, 报警时间="？")],
    )
    assert reasons(ws) == ["follow_up", "no_time", "same_event", "same_event"]
    done = undo_import(ws, first.import_id)
    assert (done.left_alone, done.waiting_again) == (3, 0)
    assert reasons(ws) == ["first_call_gone", "first_call_gone", "first_call_gone", "no_time"]
    assert aside_file(ws).read_text(encoding="utf-8-sig").count("并入的首报已被撤销") == 3
    report = import_files(ws, [aside_file(ws)]).files[0]
    assert (report.accepted, report.set_aside) == (2, 2)  # the event once, the call that followed one nobody knows
    assert reasons(ws) == ["no_time", "same_event"]
    undo_import(ws, report.import_id)
    assert reasons(ws) == ["first_call_gone", "first_call_gone", "first_call_gone", "no_time"]


def test_a_file_that_comes_again_with_corrections_does_not_join_itself(ws: Workspace):
    take(ws, "一.csv", [row(1, **FIRST_CALL), row(2, **OTHER_CALL)])
    report = take(ws, "一.csv", [row(1, **FIRST_CALL, 警情类型="扒窃"), row(2, **OTHER_CALL)]).files[0]
    assert (report.accepted, report.replaced, report.problems["same_event"]) == (1, 1, 1)
    assert ws.read("incidents")["type"].tolist() == ["pickpocketing"]


def test_calls_split_between_two_files_are_as_many_events_as_in_one(tmp_path: Path):
    rng = np.random.default_rng(5)
    minutes, spots = np.sort(rng.integers(0, 3000, 60)).tolist(), rng.integers(0, 4, 60)
    rows = [
        row(
            number,
            报警时间=f"{pd.Timestamp('2024-03-05 10:01') + pd.Timedelta(minutes=minute)}",
            经度=f"{119.82 + 0.002 * spot:.6f}",
        )
        for number, (minute, spot) in enumerate(zip(minutes, spots, strict=True))
    ]
    whole, split = station(tmp_path / "one"), station(tmp_path / "two")
    take(whole, "all.csv", rows)
    take(split, "1.csv", rows[:30])
    take(split, "2.csv", rows[30:])
    assert len(whole.read("incidents")) < 60
    assert set(whole.read("incidents")["source_row"]) >= set(split.read("incidents")["source_row"][:1])
    assert len(whole.read("incidents")) == len(split.read("incidents"))


@pytest.mark.parametrize("count", ["12e400", "1e30", "37990024010110001234", "inf", "nan", "-3"])
def test_a_number_that_no_count_can_be_is_the_least_count(ws: Workspace, count: str):
    report = take(ws, "一.csv", [row(1, 抓获人数=count), row(2, 抓获人数="2")]).files[0]
    assert report.accepted == 2
    assert ws.read("incidents")["caught_count"].tolist() == [0, 2]


def test_rows_that_waited_for_a_word_come_in_as_they_are_when_the_station_has_named_it(ws: Workspace):
    take(ws, "三月.csv", [row(1, 警情类别="甲", 警情类型="偷鸡摸狗"), row(2, 报警时间="不详")])
    toml = ws.root / "station.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8") + '\n[intake.classes]\n"偷鸡摸狗" = "farm_theft"\n', encoding="utf-8"
    )
    copy = ws.root.parent / "原样.csv"
    copy.write_bytes(aside_file(ws).read_bytes())
    report = import_files(Workspace.open(ws.root), [copy]).files[0]
    assert (report.accepted, report.problems) == (1, {"no_time": 1})
    assert ws.read("incidents")["type"].tolist() == ["farm_theft"]
    assert waiting(ws)["行号"].tolist() == ["3"]


def test_a_number_typed_into_a_correction_is_refused_and_the_row_waits_on(ws: Workspace):
    dirty(ws)
    before = waiting(ws)
    path = ws.root.parent / "更正.csv"
    before.assign(报警时间="2024-03-04 08:00", 警情类型="盗窃 13812345678").to_csv(path, index=False)
    report = import_files(ws, [path]).files[0]
    assert (report.accepted, report.refused) == (0, 4)
    assert waiting(ws).equals(before)
    assert not any(b"13812345678" in file.read_bytes() for file in ws.root.rglob("*") if file.is_file())


def test_a_later_file_takes_rows_off_the_list_and_its_undo_puts_them_back(ws: Workspace):
    take(ws, "一.csv", [row(1, 报警时间="不详"), row(2, 报警时间="不详"), row(3)])
    before = state(ws)
    take(ws, "二.csv", [row(1), row(2, 报警时间="不明")])
    assert waiting(ws)[["文件", "行号"]].to_numpy().tolist() == [["二.csv", "3"]]
    undo_import(ws)
    assert state(ws) == before


def test_rows_of_a_layer_keep_their_shape_while_they_wait(ws: Workspace):
    path = ws.root.parent / "村庄.geojson"
    areas = [shapely.box(119.80, 36.60, 119.82, 36.62), shapely.box(119.84, 36.64, 119.86, 36.66)]
    gpd.GeoDataFrame({"村庄": ["甲村", "乙村"], "人口": ["100", "不详"]}, geometry=areas, crs=4326).to_file(path)
    import_files(ws, [path])
    assert import_files(ws, [corrected(ws, 人口={2: "50"})]).files[0].accepted == 1
    made = ws.read("villages").set_index("name").to_crs(4326)
    assert made.loc["乙村", "population"] == 50
    assert (
        made.geometry["乙村"].equals_exact(areas[1], 1e-6)
        or made.geometry["乙村"].symmetric_difference(areas[1]).area < 1e-9
    )


def test_the_list_of_a_kind_that_may_have_no_place_shows_none(ws: Workspace):
    take(ws, "三月.csv", [row(1, 警情类别="治安警情", 警情类型="家庭暴力", 报警时间="不详", 村庄="东河村")])
    cells = waiting(ws).iloc[0]
    assert cells[["经度", "纬度", "村庄"]].tolist() == ["", "", ""]
    assert ws.read("aside")["village_id"].tolist() == [""]


def test_a_list_that_nobody_touched_is_no_import(ws: Workspace):
    dirty(ws)
    before = state(ws)
    assert [one.already for one in import_files(ws, [aside_file(ws)]).files] == [True]
    assert state(ws) == before


def test_no_key_of_a_waiting_row_can_be_taken_for_a_number_of_a_person(ws: Workspace):
    """A key of hexadecimal digits was, once in some hundred rows: R13812345678a."""
    take(ws, "三月.csv", [row(n, 报警时间="不详") for n in range(300)])
    keys = ws.read("aside")["key"]
    assert len(keys) == 300
    assert keys.is_unique
    assert not keys.str.contains(r"\d").any()
