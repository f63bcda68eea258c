"""Headers: known, guessed, a station's own or about persons; and the preview of what they make of a file."""

import tomllib
from pathlib import Path

import pytest

from gis_data import audit
from gis_data.errors import InputError
from gis_data.intake import headers, import_files
from gis_data.intake.own_headers import own_headers, save_datum, save_headers
from gis_data.intake.preview import preview
from gis_data.intake.surroundings import Surroundings
from gis_data.workspace import Workspace
from tests.gis_data.made_files import as_csv, as_xls, as_zip, put


@pytest.mark.parametrize(
    "column",
    ["报警人电话", "报警人联系电话", "报警人", "联系电话", "当事人姓名",
     "身份证号码", "嫌疑人", "受害人性别", "户主姓名", "车牌号", "BJRXM",
     "caller_name", "Phone", "phone number", "victim_age", "ID card", "first name", "sex", "村支书电话",
     "报警人（电话）", "suspects", "date of birth"],
)  # fmt: skip
def test_columns_about_persons_are_seen(column: str):
    assert headers.is_person(column)


@pytest.mark.parametrize(
    "column",
    ["村名", "村庄名称", "名称", "抓获人数", "抓获嫌疑人数", "报警时间", "报警方式", "报警类别", "接警员", "处警员姓名",
     "责任民警", "人口", "name", "village_name", "经度",
     "民警人数", "officers", "message", "percentage", "place_type", "description",
     "警情编号", "接警单编号", "案发地址", "usage", "essex"],
)  # fmt: skip
def test_columns_about_places_counts_and_staff_are_not(column: str):
    assert not headers.is_person(column)


def test_no_header_of_the_lists_is_refused_by_the_general_rule():
    kept = [name for table in headers.NEEDED for name in headers._aliases(table)]
    assert not [name for name in kept if headers.is_person(name)]


def test_the_kind_of_a_sheet_follows_from_its_columns():
    def kind(*columns: str, shapes: bool = False) -> str | None:
        match = headers.recognise(columns, has_shapes=shapes)
        return match.table if match else None

    assert kind("接警单编号", "报警时间", "警情类别", "经度", "纬度") == "incidents"
    assert kind("JJDBH", "BJSJ", "BJLB", "JD", "WD") == "incidents"
    assert kind("timestamp", "category", "arrest", "lon", "lat") == "incidents"
    assert kind("村庄", "人口", "户数", "集日", "工作区", "经度", "纬度") == "villages"
    assert kind("巡组", "巡逻方式", "民警数", "辅警数", "班次") == "crews"
    assert kind("月份", "村庄", "时段", "巡逻时长（小时）") == "patrol_hours"
    assert kind("监控编号", "方位角", "状态", shapes=True) == "cameras"
    assert kind("监控编号", "方位角", "状态") is None
    assert kind("a", "b") is None


def test_a_second_column_of_the_same_field_ranks_behind_the_better_name():
    match = headers.recognise(["发生日期", "报警时间", "警情类型", "序号", "处警人", "没人认识"], has_shapes=False)
    assert match is not None
    assert match.fields["reported_at"] == ("报警时间", "发生日期")
    assert (match.dropped, match.left_out) == (("处警人",), ("没人认识",))


def columns_of(*names: str) -> headers.Match:
    match = headers.recognise(["报警时间", "警情类别", *names], has_shapes=False)
    assert match is not None
    return match


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("案发地点名称", "address"),
        ("首次反馈时间点", "closed_at"),
        ("所在村庄名称", "village"),
        ("到达现场的时间", "arrived_at"),
        ("抓获人数合计", "caught_count"),
        ("案发经度", "lon"),
        ("location_descriptions", "place_type"),
        ("latitude_wgs84", "lat"),
        ("处警民警", "dropped"),
        ("警情内容摘要", "dropped"),
        ("案情备注", "dropped"),
        ("离场时间", None),
        ("案发地点所在村庄", None),
        ("没人认识", None),
        ("xy", None),
    ],
)
def test_a_header_like_a_known_one_is_guessed_only_when_one_field_can_be_meant(header: str, field: str | None):
    match = columns_of(header)
    if field == "dropped":
        assert match.dropped == (header,)
    elif field is None:
        assert match.left_out == (header,)
    else:
        assert (match.fields[field], match.how[header]) == ((header,), "guessed")
        assert match.guessed == {header: field}


@pytest.mark.parametrize(
    ("header", "field"),
    [("到达现场时问", "arrived_at"), ("作案手断", "mo"), ("案发地点名", "address"), ("发案地纸", "address")],
)
def test_one_wrong_letter_is_forgiven(header: str, field: str):
    assert columns_of(header).guessed == {header: field}


def test_a_guess_never_displaces_a_known_header_and_two_guesses_cancel_out():
    match = columns_of("首次报警时间", "案发地点名称", "发案地点名称")
    assert match.fields["reported_at"] == ("报警时间",)
    assert match.left_out == ("首次报警时间", "案发地点名称", "发案地点名称")


@pytest.mark.parametrize("header", ["报警人联系电话", "嫌疑人案发地址", "户主姓名", "报警人案发地点", "caller_address"])
def test_a_column_about_persons_is_never_guessed(header: str):
    assert columns_of(header).left_out == (header,)
    with pytest.raises(InputError, match="个人信息"):
        headers.refuse_persons(["报警时间", header], file="a")


def test_a_table_is_not_made_of_guesses_alone():
    assert headers.recognise(["更新日期x", "房屋的类型"], has_shapes=False) is None
    match = headers.recognise(["报警时间", "事件类别"], has_shapes=False)
    assert match is not None
    assert match.guessed == {"事件类别": "class"}


def test_guesses_stand_in_the_report(ws: Workspace, tmp_path: Path):
    path = put(
        tmp_path,
        "a.csv",
        "报警时间,警情类别,警情类型,案发经度,案发纬度\n2024-03-05 10:00,刑事警情,盗窃,119.83,36.61\n".encode(),
    )
    (one,) = import_files(ws, [path]).files
    assert one.accepted == 1
    assert one.guessed == {"案发经度": "lon", "案发纬度": "lat"}
    assert any("案发经度 → 经度" in line for line in one.sentences())


def add_to_toml(ws: Workspace, text: str) -> Workspace:
    path = ws.root / "station.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return Workspace.open(ws.root)


OWN = "登记时刻,性质,何处,横,纵\n2024-03-05 10:00,盗窃,东河村,119.83,36.61\n".encode()


def test_a_stations_own_headers_make_a_sheet_of_strange_words_known(ws: Workspace, tmp_path: Path):
    path = put(tmp_path, "a.csv", OWN)
    with pytest.raises(InputError):
        import_files(ws, [path])
    ws = add_to_toml(
        ws, '\n[intake.headers]\n"登记时刻" = "reported_at"\n"横" = "lon"\n"纵" = "lat"\n'
        '[intake.headers.incidents]\n"性质" = "type"\n"何处" = ""\n',
    )  # fmt: skip
    (one,) = import_files(ws, [path]).files
    assert (one.table, one.accepted, one.left_out, one.guessed) == ("incidents", 1, ("何处",), {})
    match = headers.recognise(["登记时刻", "性质"], has_shapes=False, own=own_headers(ws))
    assert match is not None
    assert set(match.how.values()) == {"own"}


def test_an_own_header_goes_before_the_list_and_can_forbid_a_guess():
    own = {"incidents": {"案发地点": "village", "发生的时间": ""}}
    match = headers.recognise(["报警时间", "警情类别", "案发地点", "发生的时间"], has_shapes=False, own=own)
    assert match is not None
    assert match.fields["village"] == ("案发地点",)
    assert match.left_out == ("发生的时间",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[intake.headers]\n"时刻" = "when"\n', "when"),
        ('[intake.headers.incidents]\n"时刻" = "population"\n', "population"),
        ('[intake.headers.villagers]\n"时刻" = "name"\n', "villagers"),
        ('[intake.headers]\n"时刻" = 5\n', "5"),
        ('[intake]\nheaders = "x"\n', "headers"),
    ],
)
def test_a_wrong_own_header_is_one_sentence_that_names_it(ws: Workspace, tmp_path: Path, text: str, named: str):
    ws = add_to_toml(ws, "\n" + text)
    with pytest.raises(InputError, match=named) as told:
        import_files(ws, [put(tmp_path, "a.csv", as_csv())])
    assert told.value.key == "intake.own_header"


def test_an_own_header_cannot_let_a_column_about_persons_in(ws: Workspace, tmp_path: Path):
    with pytest.raises(InputError, match="报警人电话"):
        save_headers(ws, "incidents", {"报警人电话": "address"})
    ws = add_to_toml(ws, '\n[intake.headers]\n"报警人电话" = "address"\n')
    with pytest.raises(InputError, match="个人信息"):
        import_files(ws, [put(tmp_path, "a.csv", as_csv())])


def test_saved_headers_are_read_next_time_and_the_rest_of_the_file_is_kept(ws: Workspace, tmp_path: Path):
    ws = add_to_toml(ws, '\n[intake.classes]  # 本所用词\n"拿东西" = "theft_other"\n')
    path = ws.root / "station.toml"
    before = path.read_text(encoding="utf-8")
    ws = save_headers(ws, "incidents", {"登记时刻": "reported_at", "性质": "type"})
    ws = save_headers(ws, "incidents", {"性质": "class", '怪"列\\名 [x]': "address"})
    ws = save_headers(ws, "villages", {"号": "village_id"})
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before)
    assert tomllib.loads(after)["intake"] == {
        "classes": {"拿东西": "theft_other"},
        "headers": {
            "incidents": {"登记时刻": "reported_at", "性质": "class", '怪"列\\名 [x]': "address"},
            "villages": {"号": "village_id"},
        },
    }
    log = audit.entries(ws.root / "audit.jsonl")
    assert [entry["parameters"]["table"] for entry in log if entry["action"] == "headers"] == ["incidents"] * 2 + [
        "villages"
    ]
    assert audit.verify(ws.root / "audit.jsonl") is None
    assert not list(ws.root.glob(".*.draft"))


def test_saved_headers_fail_whole(ws: Workspace):
    path = ws.root / "station.toml"
    for text in ('\n[intake]\nheaders = {incidents = {"a" = "address"}}\n',):
        ws = add_to_toml(ws, text)
        before = path.read_bytes()
        with pytest.raises(InputError, match="逐行"):
            save_headers(ws, "incidents", {"b": "address"})
        with pytest.raises(InputError, match="nowhere"):
            save_headers(ws, "incidents", {"b": "nowhere"})
        with pytest.raises(InputError, match="people"):
            save_headers(ws, "people", {"b": "address"})
        assert path.read_bytes() == before


# --- preview


def test_a_preview_shows_each_column_and_the_kept_cells_only(ws: Workspace, tmp_path: Path):
    ws = save_headers(ws, "incidents", {"性质": "type"})
    head = "接警单编号,报警时间,警情类别,性质,到场的时间,案发地址,报警内容,接警员,怪列\n"
    rows = "".join(
        f"3702830120240305{n:04d},2024-03-05 10:{n:02d},刑事警情,盗窃{n},,李某家,李某说,王五,怪\n" for n in range(30)
    )
    found = preview(put(tmp_path, "a.csv", (head + rows).encode("gbk")), ws)
    (sheet,) = found.sheets
    assert (sheet.name, sheet.table, sheet.rows, sheet.refused) == ("a.csv", "incidents", 30, ())
    how = {one.name: (one.field, one.how) for one in sheet.columns}
    assert how == {
        "接警单编号": ("call_id", "exact"),
        "报警时间": ("reported_at", "exact"),
        "警情类别": ("class", "exact"),
        "性质": ("type", "own"),
        "到场的时间": ("arrived_at", "guessed"),
        "案发地址": ("address", "exact"),
        "报警内容": ("", "dropped"),
        "接警员": ("", "dropped"),
        "怪列": ("", "left_out"),
    }
    assert list(sheet.head.columns) == ["报警时间", "警情类别", "性质", "到场的时间"]
    assert (len(sheet.head), sheet.head.index[0], sheet.head["性质"].iloc[19]) == (20, 2, "盗窃19")
    assert len(found.to_frame()) == 9
    assert ws.read("imports").empty


def test_a_preview_shows_persons_as_refused_and_no_cell_at_all(ws: Workspace, tmp_path: Path):
    content = "报警时间,警情类别,报警人电话\n2024-03-05,盗窃,13800001111\n".encode()
    (sheet,) = preview(put(tmp_path, "a.csv", content), ws).sheets
    assert sheet.refused == ("报警人电话",)
    assert {one.name: one.how for one in sheet.columns}["报警人电话"] == "refused"
    assert sheet.head.empty
    assert "138" not in repr(sheet)


def test_a_preview_blanks_numbers_of_persons_and_free_text(ws: Workspace, tmp_path: Path):
    content = f"报警时间,警情类别,警情类型\n2024-03-05,盗窃,找13800001111\n2024-03-06,盗窃,{'长' * 90}\n".encode()
    (sheet,) = preview(put(tmp_path, "a.csv", content), ws).sheets
    assert sheet.head["警情类型"].tolist() == ["", ""]


def test_a_preview_of_a_strange_table_shows_no_column_that_may_tell_of_persons(ws: Workspace, tmp_path: Path):
    head = "来电时刻,事情大类,值班人,现场情况说明,经手者,受伤人数,village_name\n"
    content = (head + "2024-03-05 08:10,治安警情,张三,双方发生口角,李四,2,a\n").encode()
    (sheet,) = preview(put(tmp_path, "a.csv", content), ws).sheets
    assert sheet.table == ""
    assert list(sheet.head.columns) == ["来电时刻", "事情大类", "受伤人数", "village_name"]
    assert len(sheet.columns) == 7  # all of them may still be named


def test_a_preview_of_a_zip_goes_member_by_member(ws: Workspace, tmp_path: Path):
    content = as_zip({"三月.xls": as_xls(), "读我.txt": "你好".encode(), "a.osm": b"<osm version='0.6'></osm>"})
    found = {one.name: one for one in preview(put(tmp_path, "a.zip", content), ws).sheets}
    assert found["a.zip/三月.xls"].table == "incidents"
    assert "读我" in found["a.zip/读我.txt"].problem
    assert (found["a.zip/a.osm"].table, found["a.zip/a.osm"].rows) == ("ground", None)


def test_a_preview_of_a_strange_table_leaves_every_column_out(ws: Workspace, tmp_path: Path):
    (sheet,) = preview(put(tmp_path, "a.csv", "序号,村庄,电话号\n1,a,2\n".encode()), ws).sheets
    assert sheet.table == ""
    assert {one.how for one in sheet.columns} == {"left_out", "refused"}


def test_a_files_coordinate_system_is_kept_for_that_very_file(ws: Workspace):
    kept = save_datum(ws, "警情[1].csv", "gcj02")
    kept = save_datum(kept, "警情[1].csv", "bd09")
    ground = {name: kept.read(name) for name in ("villages", "buildings", "roads", "places")}
    around = Surroundings(kept.study, own_datum=kept.intake["datum"], **ground)
    assert (around.datum_of("警情[1].csv"), around.datum_of("警情1.csv")) == ("bd09", "")
    with pytest.raises(InputError, match="mars"):
        save_datum(ws, "警情.csv", "mars")
