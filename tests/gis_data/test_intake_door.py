"""The door over several imports: what each left behind is known, replaced, taken back."""

import json
import sqlite3
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gis_data import audit
from gis_data.errors import InputError
from gis_data.intake import import_files, purge_originals, undo_import
from gis_data.workspace import Workspace
from tests.gis_data.small_station import (
    csv_of,
    row,
    state,
    station,
    take,
    village_rows,
    waiting,
    with_villages,
)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return with_villages(tmp_path)


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
