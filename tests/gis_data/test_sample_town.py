"""The fictional town: exact totals, a ground that holds together, planted truth, the usual errors, the same bytes."""

import dataclasses
import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.proofs import intake as proof
from gis_data.days import is_market_day
from gis_data.errors import InputError
from gis_data.intake import import_files, make_workspace, undo_import
from gis_data.sample_town import NOT_FOR_IMPORT, SAMPLE_NAME, SAMPLE_SEED, reference, write_sample
from gis_data.workspace import Workspace

MARK = "合成数据，非真实警情"


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> dict[str, Path]:
    return write_sample(tmp_path_factory.mktemp("raw"), seed=SAMPLE_SEED)


@pytest.fixture(scope="module")
def truth(raw) -> pd.DataFrame:
    return pd.read_csv(
        raw["truth"].with_name("逐条真值.csv"), skiprows=1, dtype={"接警编号": str, "关联": str, "同一事件": str}
    )


@pytest.fixture(scope="module")
def planted(raw) -> dict[str, list]:
    return json.loads(raw["truth"].read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ground(raw) -> dict[str, gpd.GeoDataFrame]:
    layers = ("lines", "multipolygons", "points")
    return {name: pyogrio.read_dataframe(raw["ground"], layer=name).to_crs(reference.CRS) for name in layers}


@pytest.fixture(scope="module")
def town(raw, tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "town"
    files = [path for name, path in raw.items() if name not in (*NOT_FOR_IMPORT, "boundary")]
    make_workspace(root, files, name=SAMPLE_NAME, boundary=raw["boundary"], synthetic=True)
    return Workspace.open(root)


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(raw, tmp_path):
    folder = raw["boundary"].parent
    write_sample(tmp_path / "again", seed=SAMPLE_SEED)
    write_sample(tmp_path / "other", seed=SAMPLE_SEED + 1)
    assert hashes(tmp_path / "again") == hashes(folder)
    same = hashes(tmp_path / "other").items() & hashes(folder).items()
    assert {name for name, _ in same} == {"村庄基本情况.xlsx", "巡防力量.xlsx", "示例_含个人信息_应被拒绝.xlsx"}


def test_every_file_says_that_it_is_invented(raw):
    for path in raw["boundary"].parent.rglob("*"):
        if path.is_dir() or path == raw["refused"]:
            continue
        content = path.read_bytes()
        if path.suffix == ".xlsx":
            content = zipfile.ZipFile(path).read("xl/sharedStrings.xml")
        assert any(MARK.encode(code) in content for code in ("utf-8", "gb18030")), path.name


def test_villages_households_and_people_are_those_of_the_reference(town):
    villages, expected = town.read("villages"), reference.villages()
    assert (len(villages), villages["population"].sum(), villages["households"].sum()) == (71, 50_000, 16_000)
    both = villages.merge(expected, on="village_id", suffixes=("", "_reference"))
    assert (both["population"] == both["population_reference"]).all()
    assert (villages["population"] > 1500).sum() == 5
    assert (villages["population"] == 1500).sum() == 1
    assert sorted(villages.loc[villages["market_days"] != "", "market_days"]) == ["1,6", "2,7", "3,8", "4,9", "5,10"]


def test_there_is_one_house_for_each_household_and_it_stands_in_its_village(ground, town):
    houses = ground["multipolygons"].query("building == 'house'").geometry.centroid
    villages = town.read("villages")
    centres = shapely.points(villages["centre_x"], villages["centre_y"])
    nearest = shapely.STRtree(centres).query_nearest(houses.to_numpy(), all_matches=False)[1]
    assert len(houses) == 16_000
    assert (np.bincount(nearest, minlength=71) == villages["households"].to_numpy()).all()


def test_the_boundary_holds_99_km2_and_every_house(ground, town):
    boundary = town.study.boundary
    assert boundary.area / 1e6 == pytest.approx(99.0, abs=1.0)
    assert shapely.within(ground["multipolygons"].query("building == 'house'").geometry.to_numpy(), boundary).all()


def test_no_two_buildings_overlap_and_none_stands_on_a_road_or_in_water(ground):
    shapes = ground["multipolygons"]
    built = shapes[shapes["building"].notna()].geometry.to_numpy()
    over, _ = shapely.STRtree(built).query(built, predicate="overlaps")
    assert len(over) == 0
    roads = ground["lines"].query("highway.notna()").geometry.to_numpy()
    houses = shapes[shapes["building"].eq("house")].geometry.to_numpy()
    assert len(shapely.STRtree(houses).query(roads, predicate="intersects")[0]) == 0
    water = shapes[shapes["natural"] == "water"].geometry.to_numpy()
    assert len(shapely.STRtree(built).query(water, predicate="intersects")[0]) == 0


def test_five_road_classes_have_the_lengths_of_the_model_town(town):
    """DOMAIN 5.2: provincial about 12 km, county 15, township 40, village 120 to 150, tracks 300."""
    roads, inside = town.read("roads"), town.study.boundary
    km = shapely.length(shapely.intersection(roads.geometry.to_numpy(), inside)) / 1000
    by_class = pd.Series(km).groupby(roads["road_class"].to_numpy()).sum()
    lanes = km[roads["highway"].eq("service").to_numpy()].sum()
    assert by_class["provincial"] == pytest.approx(12, abs=2)
    assert by_class["county"] == pytest.approx(15, abs=2)
    assert by_class["township"] == pytest.approx(40, abs=5)
    assert 100 < by_class["village"] - lanes < 150
    assert by_class["track"] == pytest.approx(300, abs=50)


def test_the_road_network_hangs_together(town):
    roads = town.read("roads")
    driven = roads[roads["road_class"] != "expressway"]
    ends = driven[["from_node", "to_node"]].to_numpy()
    names, index = np.unique(ends, return_inverse=True)
    pairs = index.reshape(-1, 2).T
    count, _ = connected_components(coo_array((np.ones(len(driven)), pairs), shape=(len(names), len(names))), False)
    assert count == 1


def test_a_barrier_is_crossed_only_on_a_bridge_or_under_the_expressway(town):
    roads, barriers, crossings = town.read("roads"), town.read("barriers"), town.read("crossings")
    driven = roads[roads["road_class"] != "expressway"]
    wall, road = shapely.STRtree(driven.geometry.to_numpy()).query(barriers.geometry.to_numpy(), predicate="intersects")
    passage = driven["bridge"].to_numpy() | driven["tunnel"].to_numpy()
    assert passage[road].all()
    assert set(driven["road_id"].to_numpy()[road]) == set(crossings["road_id"])
    under = barriers["kind"].to_numpy()[wall] == "expressway"
    assert len(set(road[under])) == 4
    named = barriers["name"].to_numpy()[wall] == "禾川河"
    assert len(set(road[named])) >= 5


def test_yearly_numbers_are_those_of_the_mix(truth):
    """Each type's count over two years lies where a Poisson number of that mean may lie (0.1 % in either tail)."""
    first = truth[~truth["跟进"]]
    mix = reference.annual_mix()
    usual = first[~first["埋设"].isin(["moving_series", "near_repeat"])]
    for kind, yearly in mix["n_modern"].items():
        low, high = stats.poisson.ppf([0.001, 0.999], 2 * yearly)
        assert low <= (usual["类型"] == kind).sum() <= high, kind


def test_errors_are_planted_at_their_rates(truth):
    first = truth[~truth["跟进"]]
    for name, share in (("zero", 0.15), ("station_default", 0.06), ("swapped", 0.005), ("phone_mast", 0.03)):
        low, high = stats.binom.ppf([0.001, 0.999], len(first), share)
        assert low <= (first["错误"] == name).sum() <= high, name
    assert truth["跟进"].mean() == pytest.approx(0.09, abs=0.005)
    assert set(first.loc[first["错误"] == "village_centre", "类型"]) == {"dispute"}


@pytest.mark.parametrize(("name", "least"), [("market_street", 40), ("park_gate", 30), ("greenhouse_season", 15)])
def test_planted_places_stand_out(truth, planted, name, least):
    first = truth[~truth["跟进"]]
    xy = reference.to_metres(first["真实经度"], first["真实纬度"])
    middle = reference.to_metres(*np.array(planted[name]).mean(axis=0)[:, None])[0]
    near = np.hypot(*(xy - middle).T) < 200
    assert near.sum() >= least
    assert (first["埋设"][near] == name).mean() > 0.5


def test_the_seasonal_place_sleeps_outside_its_season(truth, planted):
    there = truth[truth["埋设"] == "greenhouse_season"]
    months = pd.to_datetime("20" + there["接警编号"].str[6:12], format="%Y%m%d").dt.month
    assert set(months) <= {1, 2, 9, 10, 11, 12}


def test_the_series_wanders_through_three_villages_within_24_days(truth):
    series = truth[(truth["埋设"] == "moving_series") & ~truth["跟进"]]
    at = pd.to_datetime("20" + series["接警编号"].str[6:16], format="%Y%m%d%H%M")
    assert len(series) == 8
    assert 2 <= series["村庄编号"].nunique() <= 3
    assert (at.max() - at.min()).days <= 25


def test_pockets_are_picked_on_market_days(truth):
    at_market = truth[(truth["类型"] == "pickpocketing") & (truth["埋设"] == "market_street") & ~truth["跟进"]]
    days = pd.to_datetime("20" + at_market["接警编号"].str[6:12], format="%Y%m%d")
    assert len(days) > 5
    assert is_market_day(pd.Series(days), "5,10").all()


def test_intake_accounts_for_every_planted_row(town, truth):
    imports = town.read("imports").query("table == 'incidents'")
    problems = imports["problems"].map(json.loads)
    assert imports["rows_read"].sum() == len(truth)
    assert (imports["rows_read"] == imports["accepted"] + imports["set_aside"]).all()
    assert not any("no_time" in found for found in problems)
    assert imports["accepted"].sum() == len(town.read("incidents"))


def test_one_processor_finds_what_several_find_side_by_side(raw, town, tmp_path, monkeypatch):
    name = "incidents_4"  # its systems of coordinates change, and its rows follow up others
    before = Workspace.open(shutil.copytree(town.root, tmp_path / "before"))
    undo_import(before, before.read("imports").set_index("file").loc[raw[name].name, "import_id"])
    found = []
    for processors in (1, 2):
        monkeypatch.setattr("os.cpu_count", lambda known=processors: known)
        again = Workspace.open(shutil.copytree(before.root, tmp_path / str(processors)))
        (report,) = import_files(again, [raw[name]]).files
        tables = ("incidents", "aside", "corrections", "superseded_incidents", "quality", "completeness")
        found.append((dataclasses.replace(report, seconds=0.0), [again.table_hash(table) for table in tables]))
    assert found[0][0].accepted > 500
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def verdicts(raw, town, truth) -> pd.DataFrame:
    return proof.verdicts(raw, town, truth)


def test_calls_about_one_event_become_one_and_the_row_named_is_of_that_event(verdicts):
    """Follow-ups by their link (destroyed in December), other callers by time and place (DOMAIN 2.6, 6 and 7)."""
    merged = verdicts["follow_up"] | verdicts["same_event"] | verdicts["duplicate"]
    meant = verdicts["跟进"] | verdicts["同一事件"].notna()
    assert meant.sum() > 400
    assert (merged & meant).sum() >= 0.95 * meant.sum()
    assert (merged & meant).sum() >= 0.98 * merged.sum()
    others = verdicts["同一事件"].notna()
    assert (merged & others).sum() >= 0.95 * others.sum()
    december = verdicts["文件"].eq("2023年12月警情.xlsx")
    assert (merged & meant & december).sum() >= 0.9 * (meant & december).sum()
    event = verdicts["同一事件"].fillna(verdicts["关联"]).fillna(verdicts["接警编号"])
    event_of_row = dict(zip(zip(verdicts["文件"], verdicts["行号"], strict=True), event, strict=True))
    into = verdicts[merged & meant & verdicts["into"].ne("")]
    named = [event_of_row[file, int(row)] for file, row in zip(into["文件"], into["into"], strict=True)]
    assert (np.array(named) == event[into.index]).mean() >= 0.98


def test_report_times_come_out_as_they_were_or_keep_only_their_day(town, truth):
    both = joined(town, truth)
    true = pd.to_datetime(both["报警时刻"])
    read = both["reported_at"].dt.tz_localize(None)
    usual = ~both["无年份"]
    unsure = usual & (read != true)
    assert (read.dt.normalize() == true.dt.normalize()).all()
    assert (read[unsure] == true[unsure].dt.normalize()).all()  # the day alone, never a wrong hour
    assert both.loc[unsure, "报警零点"].all()
    assert unsure.mean() < 0.01
    assert ((true - read)[~usual] < pd.Timedelta("1h")).all()  # «23时许»


def joined(town, truth) -> pd.DataFrame:
    """Return the accepted incidents beside the truth of the row they come from."""
    incidents = town.read("incidents")
    both = pd.DataFrame(incidents).merge(
        truth, left_on=["source_file", "source_row"], right_on=["文件", "行号"], validate="one_to_one"
    )
    assert len(both) == len(incidents)
    true = gpd.GeoSeries(gpd.points_from_xy(both["真实经度"], both["真实纬度"]), crs=4326).to_crs(town.study.crs)
    there = gpd.GeoSeries(both["geometry"].to_numpy(), crs=town.study.crs)
    return both.assign(off_m=there.distance(true).to_numpy())


def test_points_come_out_where_they_were(town, truth):
    """Every notation and both shifted systems together: recall at least 0.95, precision at least 0.98."""
    both = joined(town, truth)
    may = both["precision"].isin(["exact", "cell", "village", "default"])
    known = both[may & ~both["错误"].isin(["zero", "station_default", "village_centre", "phone_mast"])]
    right = known["precision"].eq("exact") & known["off_m"].lt(2)
    assert right.mean() >= 0.95, right.mean()
    exact = both[both["precision"] == "exact"]
    assert exact["off_m"].lt(2).mean() >= 0.98, exact["off_m"].lt(2).mean()


@pytest.fixture(scope="module")
def moved(raw, town, truth) -> pd.DataFrame:
    return proof.moved(raw, town, truth)


@pytest.mark.parametrize(
    ("column", "planted", "note"),
    [
        ("坐标系", "gcj02", "gcj02"),
        ("坐标系", "bd09", "bd09"),
        ("错误", "swapped", "coordinates_swapped"),
        ("错误", "degree_minutes", "coordinates_minutes"),
        ("错误", "zone_prefix", "zone_prefix"),
        ("错误", "station_default", "default_point"),
        ("错误", "village_centre", "village_centre"),
    ],
)
def test_of_all_planted_rows_nearly_all_are_told_and_nearly_none_besides(moved, column, planted, note):
    """Of all rows of the files, whatever became of them: recall at least 0.95, precision at least 0.98."""
    meant, told = moved[column] == planted, moved["kind"].str.split(";").map(set).map(lambda kinds: note in kinds)
    both = (meant & told).sum()
    recall, precision = both / meant.sum(), both / told.sum()
    assert recall >= 0.95, f"recall {recall:.3f}, precision {precision:.3f} of {meant.sum()} planted rows"
    assert precision >= 0.98, f"recall {recall:.3f}, precision {precision:.3f} of {told.sum()} rows told"
    right = moved.loc[meant & told, "off_m"].dropna()
    assert (right < 2).all(), right[right >= 2].tolist()


@pytest.mark.parametrize(
    ("error", "note", "recall", "precision"),
    [
        ("zero", "no_point", 0.99, 0.99),
        ("station_default", "default_point", 0.95, 0.98),
        ("village_centre", "village_centre", 0.95, 0.98),
        ("phone_mast", "cell_point", 0.98, 0.98),
        ("swapped", "coordinates_swapped", 0.95, 0.98),
        ("degree_minutes", "coordinates_minutes", 0.95, 0.98),
        ("zone_prefix", "zone_prefix", 0.95, 0.98),
    ],
)
def test_each_error_of_place_is_told(town, truth, error, note, recall, precision):
    both = joined(town, truth)
    rows = both[both["precision"] != "none"]
    told = told_as(town, rows, note)
    meant = (rows["错误"] == error).to_numpy()
    assert (told & meant).sum() >= recall * meant.sum(), ((told & meant).sum(), meant.sum())
    assert (told & meant).sum() >= precision * told.sum(), ((told & meant).sum(), told.sum())


def told_as(town, rows, note):
    if note == "no_point":
        return (rows["geometry"].map(lambda point: point.is_empty) & rows["precision"].eq("village")).to_numpy() & (
            ~told_as(town, rows, "village_centre")
        )
    if note == "cell_point":
        return rows["precision"].eq("cell").to_numpy()
    if note == "default_point":
        return rows["precision"].eq("default").to_numpy()
    kinds = town.read("corrections").query("kind.str.contains(@note)")
    keys = set(zip(kinds["source_file"], kinds["source_row"], strict=True))
    return np.array([key in keys for key in zip(rows["source_file"], rows["source_row"], strict=True)])


def test_rows_that_may_have_no_place_leave_no_trace_of_their_point(town, truth):
    """Fraud, family violence, crises: not even the list of corrected points knows where they were."""
    both = joined(town, truth)
    placeless = both[both["type"].isin(["telecom_fraud", "domestic_violence", "crisis"])]
    corrections = town.read("corrections")
    traced = set(zip(corrections["source_file"], corrections["source_row"], strict=True))
    assert len(placeless) > 50
    assert not traced & set(zip(placeless["source_file"], placeless["source_row"], strict=True))


def test_the_village_of_a_row_is_the_true_one(town, truth):
    """By name, alias or address: at least 0.97 of the rows, and 0.99 of those that get one."""
    both = joined(town, truth)
    may = ~both["type"].isin(["domestic_violence", "crisis"])
    named = both[may & (both["village_id"] != "")]
    assert len(named) >= 0.97 * may.sum()
    assert (named["village_id"] == named["村庄编号"]).mean() >= 0.99


@pytest.fixture(scope="module")
def check_ins(raw, town) -> pd.DataFrame:
    return proof.check_ins(raw, town)


PLANTED = (  # DOMAIN 5.7, in its order; a web page called .xls, GBK and a byte order mark are in the files themselves
    "zero coordinates", "station default point", "village centre", "GCJ-02 batch", "longitude and latitude swapped",
    "duplicates and linked calls", "occurrence time missing", "occurrence interval kept", "12-hour clock",
    "text dates: full width", "damaged call numbers", "new class codes understood", "village alias",
    "merged village's old name", "file with names and telephones refused",
)  # fmt: skip
AT_LEAST = {  # what is asked of recall and precision
    "GCJ-02 batch": (0.95, 0.98), "BD-09 batch": (0.95, 0.98), "duplicates and linked calls": (0.95, 0.98),
    "village from address, alias or name": (0.97, 0.99), "village: right of those given": (0.97, 0.99),
}  # fmt: skip


def test_recall_and_precision_of_every_planted_problem_are_those_kept_and_high_enough(
    raw, town, truth, verdicts, moved, check_ins
):
    """The table is kept in benchmarks/proofs/intake.csv by ``python -m benchmarks.proofs.intake``."""
    kept = proof.accepted(raw, town, truth)
    found = proof.account(verdicts, moved, kept, check_ins, refused=proof.is_refused(raw, town))
    assert set(PLANTED) | set(AT_LEAST) <= set(found["problem"])
    assert (found["planted"] > 0).all()
    least = found.set_index("problem")[["least_recall", "least_precision"]]
    assert {name: tuple(least.loc[name]) for name in AT_LEAST} == AT_LEAST
    assert found["problem"][found["recall"] < found["least_recall"]].tolist() == []
    assert found["problem"][found["precision"] < found["least_precision"]].tolist() == []
    pd.testing.assert_frame_equal(found, pd.read_csv(proof.TABLE), check_dtype=False)


def test_files_are_in_the_encodings_and_forms_of_a_station(raw):
    starts = {path.name: path.read_bytes()[:5] for path in raw.values()}
    assert starts["2022年8月警情.xls"] == b"<html"
    assert starts["2023年1-6月警情导出.csv"].startswith(b"\xef\xbb\xbf")
    assert raw["incidents_2"].read_bytes().decode("gb18030").startswith(MARK)
    assert starts["2023年12月警情.xlsx"].startswith(b"PK")


def test_check_ins_lie_where_the_crew_stood(town, check_ins):
    """Of a device in GCJ-02 too: some metres off, as the receiver is; none is lost outside the boundary."""
    both = pd.DataFrame(town.read("visits")).merge(check_ins, left_on="source_row", right_on="行号")
    true = gpd.GeoSeries(gpd.points_from_xy(both["真实经度"], both["真实纬度"]), crs=4326).to_crs(town.study.crs)
    off_m = gpd.GeoSeries(both["geometry"].to_numpy(), crs=town.study.crs).distance(true)
    assert len(both) == len(check_ins) - check_ins["duplicate"].sum()
    assert both.loc[off_m.isna(), "错误"].eq("no_fix").all()
    assert off_m.max() < 40


def test_honest_crews_check_in_in_their_shift_at_any_minute(check_ins):
    honest = check_ins[check_ins["错误"].isin(["", "no_fix"])]
    at = pd.to_datetime(honest["at"])
    low, high = stats.binom.ppf([0.001, 0.999], len(honest), 2 / 60)
    assert low <= at.dt.minute.isin([0, 30]).sum() <= high
    assert at.dt.hour.groupby(honest["巡组编号"]).min().to_dict() == {
        "车巡1组": 6, "车巡2组": 6, "车巡3组": 18, "摩巡1组": 8, "摩巡2组": 8, "摩巡3组": 8, "摩巡4组": 8,
    }  # fmt: skip


def test_the_sheet_with_names_and_telephones_is_refused_and_nothing_is_written(raw, town):
    before = town.table_hash("incidents"), len(town.read("imports"))
    with pytest.raises(InputError, match="报警人电话"):
        import_files(town, [raw["refused"]])
    assert (town.table_hash("incidents"), len(town.read("imports"))) == before
    assert not list((town.root / "raw").glob("*示例*"))
