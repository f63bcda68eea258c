"""The camera plan as a whole, judged from its written tables by code that shares nothing with the model."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data import osm
from gis_data.catalogue import LANGUAGES, text
from gis_data.errors import InfeasibleError, InputError, SchemaError
from gis_data.periods import Period
from gis_data.settings import CameraSettings, Settings
from gis_data.study import Study
from gis_data.tables import CAMERAS, CELLS, INCIDENTS, PLACES, VILLAGES
from models.cameras.plan import plan_cameras
from models.cameras.visibility import Lens

from .referee import demand_of, planned, seen_by_night, seen_from, with_settings

EVERY_TABLE = {"cameras", "sites", "views", "entrances", "blind_spots", "areas", "villages", "rules", "summary",
               "checklist", "curve", "rollout", "left_out"}  # fmt: skip


def test_the_plan_has_all_its_tables_and_a_proof(plan):
    assert set(plan.tables) == EVERY_TABLE
    assert plan.ended_by in ("optimal", "gap")
    assert plan.objective <= plan.bound <= plan.objective * 1.0101


def test_coverage_recomputed_from_the_written_plan_is_what_is_reported(plan, town):
    demand, settings = demand_of(town), town.study.settings.cameras
    points, night = demand.points, demand.night_share
    weight, at = points["weight"].to_numpy(), points.geometry.to_numpy()
    by_day = seen_from(plan, at, town.buildings, 62.5, settings)
    by_night = seen_by_night(plan, by_day, at, town.places.geometry.to_numpy(), settings)

    def seen(rows):
        return weight * ((1 - night) * by_day[rows].any(axis=0) + night * by_night[rows].any(axis=0))

    everyone = np.arange(len(plan.to_frame()))
    whole = seen(everyone)
    assert 0 < by_night.any(axis=0).sum() < by_day.any(axis=0).sum()
    assert 100 * whole.sum() / weight.sum() == pytest.approx(plan.objective)
    for k, camera in enumerate(plan.to_frame().itertuples()):
        lost = 100 * (whole - seen(np.delete(everyone, k))).sum() / weight.sum()
        assert lost == pytest.approx(camera.gain_pct, abs=1e-9), camera.camera_id
    per_village = points.assign(seen=whole).groupby("village_id")
    share = 100 * per_village["seen"].sum() / per_village["weight"].sum()
    summary = plan.tables["summary"].set_index("village_id")
    assert summary["covered_pct"].to_dict() == pytest.approx(share.to_dict())
    road = points["length_m"].to_numpy()
    assert summary["seen_at_night_m"].sum() == pytest.approx(road[by_night.any(axis=0)].sum())


def test_every_entrance_is_recognised_and_by_the_cameras_named(plan, town):
    entrances = plan.tables["entrances"]
    matrix = seen_from(plan, entrances.geometry.to_numpy(), town.buildings, 125.0, town.study.settings.cameras)
    names = plan.to_frame()["camera_id"].to_numpy()
    assert len(entrances) == 12
    assert [";".join(names[column]) for column in matrix.T] == list(entrances["cameras"])
    assert entrances["seen"].all()


def test_the_price_stays_within_the_budget(plan):
    sites, cameras = plan.tables["sites"], plan.to_frame()
    price = sites["cost_cny"].sum() + cameras["cost_cny"].sum()
    assert price <= plan.settings["budget_cny"]
    assert plan.tables["summary"]["cost_cny"].sum() == price
    assert (cameras.groupby("site_id").size() <= 4).all()


def test_no_camera_hangs_on_or_in_a_building(plan, town):
    assert shapely.distance(plan.to_frame().geometry.to_numpy(), town.buildings.union_all()).min() > 0.29


def test_views_are_what_the_cameras_see(plan, town):
    views = plan.tables["views"]
    assert not views.intersects(town.buildings.union_all().buffer(-0.01)).any()
    points = demand_of(town).points.geometry.to_numpy()
    matrix = seen_from(plan, points, town.buildings, 62.5, town.study.settings.cameras)
    coverage = views[views["level"] == "coverage"].geometry.to_numpy()
    inside = shapely.contains(coverage[:, None], points[None, :])
    clear = shapely.distance(shapely.boundary(coverage)[:, None], points[None, :]) > 1e-6
    assert (inside == matrix)[clear].all()


def test_blind_spots_hold_exactly_the_unseen_road(plan, town):
    points = demand_of(town).points
    matrix = seen_from(plan, points.geometry.to_numpy(), town.buildings, 62.5, town.study.settings.cameras)
    unseen, blind = points[~matrix.any(axis=0)], plan.tables["blind_spots"]
    assert blind["length_m"].sum() == pytest.approx(unseen["length_m"].sum())
    assert blind["weight_pct"].sum() == pytest.approx(100 * unseen["weight"].sum() / points["weight"].sum())
    assert blind["weight_pct"].is_monotonic_decreasing
    assert shapely.contains(blind.union_all(), unseen.geometry.to_numpy()).all()


def test_the_same_input_gives_the_same_numbers(plan, town):
    again = planned(town)
    assert again.head() | {"seconds": 0} == plan.head() | {"seconds": 0}
    for name, table in plan.tables.items():
        pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(again.tables[name]))


def test_500_arrests_and_discovered_incidents_move_no_camera(plan, town, make_incidents):
    centre = [shapely.get_coordinates(town.villages.geometry.iloc[1])[0]]
    found = make_incidents(centre, count=500, rng=np.random.default_rng(4), origin="discovered").assign(
        village_id="V001"
    )
    arrests = town.incidents.assign(caught_count=9)
    after = planned(town, incidents=gpd.GeoDataFrame(pd.concat([arrests, found]), crs=town.roads.crs))
    for name, table in plan.tables.items():
        pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(after.tables[name]))


def test_reported_incidents_do_move_cameras(plan, town, make_incidents):
    corner = shapely.get_coordinates(town.villages.geometry.iloc[1])[0] + 70
    more = make_incidents([corner], count=500, rng=np.random.default_rng(4), spread_m=15).assign(village_id="V001")
    more["incident_id"] = "more-" + more["incident_id"]
    after = planned(town, incidents=gpd.GeoDataFrame(pd.concat([town.incidents, more]), crs=town.roads.crs))
    before, now = (p.tables["summary"].set_index("village_id")["new_cameras"] for p in (plan, after))
    assert now["V001"] > before["V001"]


def test_a_budget_below_the_cordon_names_both_numbers(town, plan):
    least = dict(plan.notes)["cameras.cordon"]["least"]
    with pytest.raises(InfeasibleError, match=f"9,000.*{least}"):
        planned(town, study=with_settings(town, budget_cny=9000.0))
    exactly = planned(town, study=with_settings(town, budget_cny=float(least.replace(",", ""))))
    assert exactly.tables["entrances"]["seen"].all()


def test_a_working_camera_is_kept_free_of_charge_and_a_broken_one_is_not(town, plan):
    guard = plan.to_frame().query("entrances_only > 0").iloc[0]
    standing = gpd.GeoDataFrame(
        {
            "camera_id": ["old", "broken", "blind"],
            "status": ["working", "broken", "working"],
            "azimuth_deg": [guard["azimuth_deg"], guard["azimuth_deg"], np.nan],
            "hfov_deg": [guard["hfov_deg"], guard["hfov_deg"], np.nan],
        },
        geometry=[guard["geometry"]] * 3,
        crs=town.roads.crs,
    )
    after = planned(town, cameras=CAMERAS.conform(standing, crs=town.roads.crs))
    kept = after.to_frame().set_index("camera_id")
    assert kept.loc["old", "status"] == "existing"
    assert guard["entrances"] in kept.loc["old", "entrances"]
    assert not {"broken", "blind"} & set(kept.index)
    assert dict(after.notes)["cameras.standing_unusable"] == {"count": 2}
    before, now = (float(dict(p.notes)["cameras.cordon"]["least"].replace(",", "")) for p in (plan, after))
    assert now < before


def test_an_unwatched_entrance_is_listed_with_the_nearest_allowed_place_that_would_see_it(make_town):
    """With one pole a village some entrances stay unwatched; no place within 10 m of a forbidden one is offered."""
    town = make_town(seed=1, max_poles_per_village=1)
    plan = planned(town)
    offered = unwatched(plan)
    assert len(offered) >= 2
    assert (dict(plan.notes)["cameras.unseen_entrances"]["count"]) == len(offered)
    first = shapely.Point(offered["build_x"].iloc[0], offered["build_y"].iloc[0])
    never = gpd.GeoDataFrame({"camera_id": ["never"], "status": ["forbidden"]}, geometry=[first], crs=town.roads.crs)
    after = unwatched(planned(town, cameras=CAMERAS.conform(never, crs=town.roads.crs)))
    for table in (offered, after):
        assert (table["build_distance_m"] <= Lens.of(24.0, town.study.settings.cameras).reach_m(125.0)).all()
        lines = [shapely.LineString([(row.build_x, row.build_y), row.geometry.coords[0]]) for row in table.itertuples()]
        assert not shapely.intersects(lines, town.buildings.union_all()).any()
    places = shapely.points(after[["build_x", "build_y"]].to_numpy())
    assert shapely.distance(places, first).min() >= 10


def unwatched(plan):
    entrances = plan.tables["entrances"]
    return entrances[~entrances["seen"]]


@pytest.mark.parametrize(("villages", "ended_by"), [(8, {"optimal", "gap"}), (50, {"gap"})])
def test_every_seeable_entrance_is_watched_on_random_villages(make_town, villages, ended_by):
    """Fifty are solved each by itself at a common price of money, eight in one model."""
    plan = planned(make_town(villages=villages, seed=8, blocks=3, max_poles_per_village=12))
    entrances = plan.tables["entrances"]
    assert len(entrances) >= 3.5 * villages
    assert (entrances["seen"] == entrances["can_be_seen"]).all()
    assert plan.objective <= plan.bound <= 1.02 * plan.objective
    assert plan.ended_by in ended_by


def test_where_no_rule_names_a_village_the_plan_is_empty_and_says_so(make_town):
    town = make_town(populations=[1500])
    plan = planned(town)
    assert set(plan.tables) == EVERY_TABLE
    assert plan.to_frame().empty
    assert [key for key, _ in plan.notes] == ["cameras.no_village"]
    assert list(plan.tables["villages"]["named"]) == [False]
    assert (plan.objective, plan.bound, plan.gap) == (None, None, None)


@pytest.mark.parametrize("missing", ["roads", "buildings"])
def test_without_roads_or_buildings_the_plan_is_empty_and_says_so(town, missing):
    plan = planned(town, **{missing: getattr(town, missing).iloc[:0]})
    assert [key for key, _ in plan.notes] == ["cameras.no_ground"]


def test_a_village_without_buildings_is_named_in_the_notes(town):
    near = town.buildings[town.buildings.geometry.centroid.x < town.villages["centre_x"].max() - 500]
    plan = planned(town, buildings=near)
    assert dict(plan.notes)["cameras.village_without_ground"] == {"villages": ["村2"]}
    assert plan.tables["summary"].set_index("village_id").loc["V002", "new_cameras"] == 0


def test_tables_survive_being_written(plan, tmp_path):
    for name, table in plan.tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
        spatial = isinstance(table, gpd.GeoDataFrame)
        back = (gpd.read_parquet if spatial else pd.read_parquet)(tmp_path / f"{name}.parquet")
        assert len(back) == len(table)


def test_notes_are_sentences_in_both_languages(plan):
    for lang in LANGUAGES:
        assert all("{" not in text(key, lang=lang, **values) for key, values in plan.notes)
        assert text(plan.unit, lang=lang)


@pytest.mark.parametrize(
    ("extract", "name", "crs", "radius_m", "least"),
    [("osm_liechtenstein", "Nendeln", "EPSG:32632", 900, 11), ("osm_helsinki", "Kluuvi", "EPSG:32635", 260, 3)],
)
def test_a_real_place_gets_its_entrances_watched(shared_data, extract, name, crs, radius_m, least):
    """A village, and a dense city centre whose lines of sight end at every corner."""
    folder = shared_data / extract
    places = gpd.read_parquet(folder / "places.parquet").to_crs(crs)
    place = places[places["name"] == name].iloc[:1]
    layers = osm.read_extract(
        [folder / f"{name}.parquet" for name in ("roads", "buildings")], boundary=place.buffer(radius_m), crs=crs
    )
    study = Study(
        name,
        place.geometry.iloc[0].buffer(radius_m),
        crs,
        settings=Settings(cameras=CameraSettings(also_villages=f"{name}=example")),
    )
    ground = osm.ground_tables(layers, study)
    centre = place.geometry.iloc[0]
    village = gpd.GeoDataFrame(
        {"village_id": ["L1"], "name": [name], "population": [0], "centre_x": [centre.x], "centre_y": [centre.y]},
        geometry=[centre], crs=crs,
    )  # fmt: skip
    empty = {schema.name: schema.empty(crs=crs) for schema in (CELLS, PLACES, CAMERAS, INCIDENTS)}
    period = Period(pd.Timestamp("2022-01-01", tz="Europe/Vaduz"), pd.Timestamp("2023-01-01", tz="Europe/Vaduz"))
    plan = plan_cameras(
        study, VILLAGES.conform(village, crs=crs), empty["cells"], ground["roads"], ground["buildings"],
        empty["places"], empty["cameras"], empty["incidents"], period=period, seed=1,
    )  # fmt: skip
    entrances = plan.tables["entrances"]
    matrix = seen_from(plan, entrances.geometry.to_numpy(), ground["buildings"], 125.0, study.settings.cameras)
    assert len(entrances) >= least
    assert (matrix.any(axis=0) == entrances["can_be_seen"]).all()
    assert entrances["can_be_seen"].mean() > 0.9
    assert shapely.distance(plan.to_frame().geometry.to_numpy(), ground["buildings"].union_all()).min() > 0.29
    assert plan.gap <= 0.0101


def test_a_camera_placed_by_hand_is_in_the_plan_and_forbidden_ground_stays_free(town, plan):
    usual = plan.to_frame().query("status == 'new'").iloc[0]
    beside = shapely.Point(town.villages["centre_x"].iloc[0] + 3.0, town.villages["centre_y"].iloc[0] - 15.0)
    wanted = gpd.GeoDataFrame(
        {
            "camera_id": ["mine", "never"],
            "status": ["planned", "forbidden"],
            "azimuth_deg": [10.0, np.nan],
            "hfov_deg": [84.0, np.nan],
        },
        geometry=[beside, usual["geometry"]],
        crs=town.roads.crs,
    )
    after = planned(town, cameras=CAMERAS.conform(wanted, crs=town.roads.crs))
    cameras = after.to_frame().set_index("camera_id")
    assert cameras.loc["mine", ["status", "azimuth_deg", "cost_cny"]].tolist() == ["by_hand", 10.0, 1500.0]
    assert after.tables["sites"].set_index("kind").loc["by_hand", "cost_cny"] in (800.0, 3000.0)
    assert shapely.distance(cameras.geometry.to_numpy(), usual["geometry"]).min() >= 10
    assert after.tables["entrances"]["seen"].all()


def test_a_released_entrance_is_not_paid_for_and_its_reason_is_printed(town, plan):
    guard = plan.to_frame().query("entrances_only > 0").iloc[0]
    name = guard["entrances"].split(";")[0]
    after = planned(town, study=with_settings(town, released_entrances=f"{name}=农闲时封路"))
    least = [float(dict(p.notes)["cameras.cordon"]["least"].replace(",", "")) for p in (after, plan)]
    assert least[0] < least[1]
    assert after.tables["entrances"].set_index("entrance_id").loc[name, "released"] == "农闲时封路"
    assert dict(after.notes)["cameras.released"]["entrances"] == [f"{name} (农闲时封路)"]
    with pytest.raises(InputError, match=name):
        planned(town, study=with_settings(town, released_entrances=f"{name}=;"))


def test_a_turning_camera_adds_its_share_and_guards_nothing(town, plan):
    at = plan.to_frame().query("entrances_only > 0").iloc[0]["geometry"]
    dome = gpd.GeoDataFrame(
        {"camera_id": ["dome"], "status": ["working"], "azimuth_deg": [np.nan], "hfov_deg": [360.0]},
        geometry=[at], crs=town.roads.crs,
    )  # fmt: skip
    after = planned(town, cameras=CAMERAS.conform(dome, crs=town.roads.crs))
    row = after.to_frame().set_index("camera_id").loc["dome"]
    assert (row["turns"], row["entrances"]) == (True, "")
    assert row["gain_pct"] > 0
    least = [dict(p.notes)["cameras.cordon"]["least"] for p in (after, plan)]
    assert least[0] == least[1]
    bought = planned(town, study=with_settings(town, ptz_cny=100.0))
    domes = bought.to_frame().query("turns")
    assert len(domes) > 0
    assert (domes["entrances"] == "").all()
    assert bought.objective > plan.objective


def test_every_new_camera_has_its_card_and_a_shorter_retention_is_refused(town, plan):
    cards = plan.tables["checklist"]
    assert sorted(cards["camera_id"]) == sorted(plan.to_frame().query("status != 'existing'")["camera_id"])
    assert set(cards["basis"]) <= {"7-1", "7-2", "9"}
    assert (cards["retention_days"] >= 30).all()
    guards = plan.to_frame().set_index("camera_id")["entrances"].reindex(cards["camera_id"]) != ""
    assert (cards.loc[guards.to_numpy(), "purpose"] == "entrance").all()
    with pytest.raises(SchemaError, match="29"):
        planned(town, study=with_settings(town, retention_days=29))


def test_private_square_metres_are_the_views_own(plan, town):
    from models.cameras.private import private_ground

    ground = private_ground(demand_of(town).areas, town.roads, town.buildings)
    views = plan.tables["views"].query("level == 'coverage'").set_index("camera_id").geometry
    cameras = plan.to_frame()
    exact = shapely.area(shapely.intersection(views.reindex(cameras["camera_id"]).to_numpy(), ground))
    assert cameras["private_m2"].to_numpy() == pytest.approx(exact, abs=0.06)


def test_the_years_of_the_cameras_and_the_curve_belong_to_the_plan(plan):
    new = plan.to_frame().query("status != 'existing'")
    rollout, curve = plan.tables["rollout"], plan.tables["curve"]
    assert new["year"].between(1, 3).all()
    assert [int((new["year"] <= k).sum()) for k in rollout["year"]] == list(rollout["cameras"])
    assert curve["covered_pct"].is_monotonic_increasing
    assert (curve["covered_pct"] <= curve["bound_pct"] + 1e-6).all()
