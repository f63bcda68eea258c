"""The door over several imports: what each left behind is known, replaced, taken back, corrected."""

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_data.intake import ImportReport, import_files, new_workspace
from gis_data.workspace import Workspace

VILLAGES = {"张家庄村": (119.81, 36.61), "李家屯村": (119.83, 36.61), "东河村": (119.87, 36.67)}


def row(number: int, **changes: object) -> dict[str, object]:
    """Return one good incident; each on its own day, so that no two are taken for one event."""
    good = {
        "接警单编号": f"3702830120240305{number:04d}",
        "报警时间": f"{pd.Timestamp('2024-03-01 10:11:17') + pd.Timedelta(days=number)}",
        "警情类别": "刑事警情",
        "警情类型": "盗窃",
        "报警方式": "110",
        "案发地址": "禾川镇李家屯村东头",
        "经度": f"{119.8301 + number * 1e-5:.6f}",
        "纬度": "36.612345",
    }
    return good | changes


def csv_of(path: Path, rows: list[dict[str, object]]) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, encoding="utf-8-sig")
    return path


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    boundary = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    made = new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
    rows = [{"村庄": name, "人口": 900, "经度": lon, "纬度": lat} for name, (lon, lat) in VILLAGES.items()]
    import_files(made, [csv_of(tmp_path / "村庄.csv", rows)])
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
