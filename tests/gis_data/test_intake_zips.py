"""Zips: every member a file of its own, and nothing that leads out, swells or is locked."""

import io
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis_data.errors import InputError, PatrolError
from gis_data.intake import import_files, new_workspace, sheets
from gis_data.workspace import Workspace
from tests.gis_data.made_files import as_csv, as_html, as_xlsx, as_zip, put, zip_of_shapefile


def test_every_member_of_a_zip_is_a_file_of_its_own(ws: Workspace, tmp_path: Path):
    other = as_csv().replace(b"3702830120240", b"9902830120240")
    people = "村庄,人口,经度,纬度\n东河村,300,119.85,36.63\n".encode("gb18030")
    content = as_zip(
        {"表/三月.xls": as_html("gbk"), "村庄.csv": people, "读我.txt": "说明".encode(), "__MACOSX/._x": b"x",
         "内.zip": as_zip({"a.csv": other}), **zip_of_shapefile(tmp_path)}
    )  # fmt: skip
    report = import_files(ws, [put(tmp_path, "全部.zip", content)])
    found = {one.file: (one.table, one.rows_read, one.accepted, one.unread) for one in report.files}
    assert found["全部.zip/村庄.csv"] == ("villages", 1, 1, False)
    assert found["全部.zip/读我.txt"] == ("", 0, 0, True)
    assert found["全部.zip/内.zip"] == ("", 0, 0, True)
    assert found["全部.zip/表/三月.xls"][:2] == ("incidents", 3)
    assert found["全部.zip/图层/警情.shp"][:2] == ("incidents", 3)
    assert len(found) == 5
    assert "全部.zip/读我.txt 看不出是什么表，没有读。" in report.to_frame()["notes"].tolist()
    assert set(ws.read("imports")["file"]) == {name for name, one in found.items() if one[0]}
    assert set(ws.read("incidents")["source_file"]) <= set(found)
    again = import_files(ws, [put(tmp_path, "又一次.zip", content)])
    assert {one.already for one in again.files if not one.unread} == {True}


def test_names_that_windows_wrote_in_gbk_are_read(ws: Workspace, tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("AAAA.csv", as_csv())
    content = out.getvalue().replace(b"AAAA.csv", "三月.csv".encode("gbk"))
    report = import_files(ws, [put(tmp_path, "a.zip", content)])
    assert [one.file for one in report.files] == ["a.zip/三月.csv"]


@pytest.mark.parametrize("name", ["../三月.csv", "a/../../b.csv", "/etc/a.csv", "C:/a.csv", "..\\a.csv"])
def test_a_zip_with_a_name_that_leads_out_is_refused_and_writes_nothing(ws: Workspace, tmp_path: Path, name: str):
    path = put(tmp_path, "a.zip", as_zip({"good.csv": as_csv(), name: as_csv()}))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="指向文件夹之外"):
        import_files(ws, [path])
    assert sorted(tmp_path.rglob("*")) == before
    assert ws.read("incidents").empty


def test_a_bomb_is_not_unpacked(ws: Workspace, tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(256):
            member.write(bytes(1 << 20))
    for name in ("bomb.zip", "bomb.csv"):
        with pytest.raises(InputError, match="不予解开"):
            import_files(ws, [put(tmp_path, name, out.getvalue())])
    with pytest.raises(InputError, match="不予解开"):
        import_files(ws, [put(tmp_path, "many.zip", as_zip({f"{n}.csv": b"a" for n in range(1_001)}))])


def test_a_workbook_may_be_a_bomb_too(tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx())) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
        with archive.open("xl/media/x.xml", "w") as member:
            for _ in range(256):
                member.write(bytes(1 << 20))
    with pytest.raises(InputError, match="不予解开"):
        sheets.open_sheets(put(tmp_path, "a.xlsx", out.getvalue()))


def test_a_locked_zip_says_so(ws: Workspace, tmp_path: Path):
    content = bytearray(as_zip({"a.csv": as_csv()}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    with pytest.raises(InputError, match="密码"):
        import_files(ws, [put(tmp_path, "a.zip", bytes(content))])


def test_persons_and_damage_inside_a_zip_stop_the_whole_import(ws: Workspace, tmp_path: Path):
    persons = "报警时间,警情类别,报警人电话\n2024-03-05,盗窃,1\n".encode()
    for bad, words in ((persons, "个人信息"), (as_xlsx()[:3000], "打不开")):
        with pytest.raises(InputError, match=words):
            import_files(ws, [put(tmp_path, "a.zip", as_zip({"good.csv": as_csv(), "bad.xlsx": bad}))])
        assert ws.read("incidents").empty


def test_a_zip_of_nothing_known_says_what_its_files_lack(ws: Workspace, tmp_path: Path):
    with pytest.raises(PatrolError, match=r"a\.zip/读我\.txt"):
        import_files(ws, [put(tmp_path, "a.zip", as_zip({"读我.txt": "你好".encode()}))])


def test_ground_out_of_a_zip_is_found_again_by_later_imports(ws: Workspace, tmp_path: Path):
    def layer(column: str, value: str, shape: shapely.Geometry) -> bytes:
        return gpd.GeoDataFrame({"osm_id": ["1"], column: [value]}, geometry=[shape], crs=4326).to_json().encode()

    road = layer("highway", "primary", shapely.LineString([(119.82, 36.64), (119.86, 36.64)]))
    river = layer("waterway", "river", shapely.LineString([(119.84, 36.62), (119.84, 36.66)]))
    import_files(ws, [put(tmp_path, "地图.zip", as_zip({"路/roads.json": road}))])
    assert len(ws.read("roads")) == 1
    import_files(ws, [put(tmp_path, "rivers.txt", river)])
    assert (len(ws.read("roads")) >= 1, len(ws.read("barriers")) >= 1) == (True, True)


def test_a_boundary_may_come_as_a_zipped_shapefile(tmp_path: Path):
    folder = tmp_path / "b"
    folder.mkdir()
    gpd.GeoSeries([shapely.box(119.8, 36.6, 119.9, 36.7)], crs=4326).to_file(folder / "边界.shp")
    members = {part.name: part.read_bytes() for part in folder.iterdir()}
    made = new_workspace(
        tmp_path / "t", name="a", boundary=put(tmp_path, "边界.zip", as_zip({"读我": b"hi", **members}))
    )
    assert made.study.crs == "EPSG:4549"
