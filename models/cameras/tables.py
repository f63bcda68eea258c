"""The camera plan as tables: cameras, sites, views, entrances, blind spots, summary.

In:     a scene (candidates and what they see) and the choice made among them.
Out:    plain tables in the study's CRS, ready for map, print and export. Nothing is decided here. ``COLUMNS`` says
        what each holds; geometry is a Point for cameras, sites and entrances, a polygon for views (what a camera sees,
        one row per level), blind spots and areas (built-up areas).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count, filterfalse

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_data.settings import CameraSettings
from models.cameras.checklist import COLUMNS as CHECKLIST
from models.cameras.demand import Demand
from models.cameras.left_out import BEST
from models.cameras.left_out import COLUMNS as LEFT_OUT
from models.cameras.money import CURVE, ROLLOUT
from models.cameras.private import masks, road_ground
from models.cameras.problem import Choice, Problem, lost_entrances, lost_weight
from models.cameras.scene import Scene, released
from models.cameras.sites import nearest_buildable
from models.cameras.visibility import Lens, bearing_deg, dome_polygon, site_xy, view_polygon

BLIND_SPOT_M = 60.0
DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")

COLUMNS = {
    "cameras": (
        "camera_id", "village_id", "site_id", "site_kind", "status", "x", "y", "azimuth_deg", "hfov_deg", "turns",
        "level", "cost_cny", "entrances", "entrances_only", "gain_pct", "private_m2", "masks", "year",
    ),
    "sites": ("site_id", "village_id", "kind", "power", "link", "cameras", "cost_cny"),
    "views": ("camera_id", "village_id", "level", "px_per_m", "area_m2"),
    "entrances": (
        "entrance_id", "village_id", "road_id", "road_class", "road", "lit", "cameras", "can_be_seen", "seen",
        "seen_at_night", "released", "build_x", "build_y", "build_distance_m",
    ),
    "areas": ("village_id",),
    "blind_spots": (
        "blind_spot_id", "village_id", "road", "length_m", "weight_pct", "x", "y", "from_centre_m", "direction",
    ),
}  # fmt: skip
_PRIVATE = ("camera_id", "private_m2", "masks")
SUMMARY = (
    "village_id", "name", "reasons", "population", "new_cameras", "existing_cameras", "poles", "cost_cny", "road_m",
    "seen_m", "seen_at_night_m", "covered_pct", "entrances", "entrances_seen", "fewest_cut", "private_m2",
)  # fmt: skip


def plan_tables(
    scene: Scene,
    best: Choice,
    demand: Demand,
    villages: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    standing: gpd.GeoDataFrame,
    settings: CameraSettings,
    known: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of ``COLUMNS`` for the cameras chosen.

    Parameters
    ----------
    known
        Tables of a plan on the same ground: what its cameras see is not worked out again.
    """
    cameras = _cameras_table(scene, best, demand)
    views, private = _known_views(cameras, known)
    new = cameras[~cameras["camera_id"].isin(private["camera_id"])]
    found = _views_table(new, buildings, settings)
    private = pd.concat([private, _private_table(new, found, scene.private_ground, roads)])
    views = _in_order(gpd.GeoDataFrame(pd.concat([views, found]), crs=cameras.crs), cameras)
    cameras["year"] = 0
    cameras = cameras.merge(private, on="camera_id", how="left")
    return {
        "cameras": cameras,
        "sites": _sites_table(scene, cameras),
        "views": views,
        "entrances": _entrances_table(scene, best, cameras, demand, roads, buildings, standing, settings),
        "blind_spots": _blind_spots_table(scene, best, demand, villages),
        "areas": demand.areas,
    }


def _cameras_table(scene: Scene, best: Choice, demand: Demand) -> gpd.GeoDataFrame:
    """Return one row per camera of the plan; ``gain_pct`` is what the plan loses without it."""
    rows = scene.configurations.iloc[best.chosen]
    sites = scene.sites.iloc[rows["site"]]
    total = scene.problem.weight.sum()
    table = pd.DataFrame(
        {
            "village_id": sites["village_id"].to_numpy(),
            "site_id": sites["site_id"].to_numpy(),
            "site_kind": sites["kind"].to_numpy(),
            "status": np.select(
                [scene.problem.must[best.chosen], rows["camera_id"].notna()], ["by_hand", "existing"], "new"
            ),
            "x": sites.geometry.x.to_numpy(),
            "y": sites.geometry.y.to_numpy(),
            "azimuth_deg": rows["azimuth_deg"].to_numpy(),
            "hfov_deg": rows["hfov_deg"].to_numpy(),
            "turns": rows["turns"].to_numpy(dtype=bool),
            "cost_cny": rows["cost_cny"].to_numpy(),
            "entrances": _guarded_by(scene.problem, best.chosen, demand),
            "entrances_only": lost_entrances(scene.problem, best.chosen),
            "gain_pct": 100 * lost_weight(scene.problem, best.chosen) / total if total > 0 else 0.0,
        }
    )
    table["level"] = np.where(table["entrances"] != "", "recognition", "coverage")
    table.insert(0, "camera_id", _with_ids(rows["camera_id"], table["village_id"]))
    return gpd.GeoDataFrame(table, geometry=sites.geometry.to_numpy(), crs=scene.sites.crs)


def _with_ids(known: pd.Series, village: pd.Series) -> list[str]:
    """Give cameras without a name the free numbers of their village."""
    free = free_names(village, "C", set(known.dropna()))
    return [next(free[own]) if pd.isna(name) else name for name, own in zip(known, village, strict=True)]


def free_names(villages: Iterable[str], letter: str, taken: set[str]) -> dict[str, Iterator[str]]:
    """Return for each village the names «V001-C1», «V001-C2», ... that nothing has yet."""
    return {own: filterfalse(taken.__contains__, map(f"{own}-{letter}{{}}".format, count(1))) for own in set(villages)}


def _guarded_by(problem: Problem, chosen: NDArray[np.int64], demand: Demand) -> list[str]:
    names = demand.entrances["entrance_id"].to_numpy()
    guards = problem.guards[chosen]
    return [
        ";".join(names[np.sort(guards.indices[a:b])])
        for a, b in zip(guards.indptr[:-1], guards.indptr[1:], strict=True)
    ]


def _sites_table(scene: Scene, cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the poles in use, with the price of the pole and the number of cameras on it."""
    on_pole = cameras["site_id"].value_counts()
    used = scene.sites[scene.sites["site_id"].isin(on_pole.index)]
    table = used[["site_id", "village_id", "kind", "power", "link", "cost_cny", "geometry"]].reset_index(drop=True)
    table.insert(5, "cameras", on_pole.reindex(table["site_id"]).to_numpy())
    return table


def _views_table(cameras: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, settings: CameraSettings) -> gpd.GeoDataFrame:
    """Return the ground that each camera sees, once per level."""
    levels = {"recognition": settings.entrance_px_per_m, "coverage": settings.coverage_px_per_m}
    walls = buildings.geometry.to_numpy()
    rows = []
    tree = shapely.STRtree(walls)
    for camera in cameras.itertuples():
        at = (camera.x, camera.y)
        if camera.turns:
            near = walls[tree.query(camera.geometry, "dwithin", settings.ptz_reach_m)]
            view = dome_polygon(at, settings.ptz_reach_m, near)
            rows.append((camera.camera_id, camera.village_id, "turning", settings.coverage_px_per_m, view.area, view))
            continue
        lens = Lens.of(camera.hfov_deg, settings)
        near = walls[tree.query(camera.geometry, "dwithin", lens.corner_m(settings.coverage_px_per_m))]
        for level, px_per_m in levels.items():
            view = view_polygon(at, camera.azimuth_deg, lens, near, px_per_m=px_per_m)
            rows.append((camera.camera_id, camera.village_id, level, px_per_m, view.area, view))
    columns = ["camera_id", "village_id", "level", "px_per_m", "area_m2", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=cameras.crs)


def _known_views(
    cameras: gpd.GeoDataFrame, known: Mapping[str, pd.DataFrame] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return views and private ground of the cameras that stand and look as those of a known plan."""
    if known is None:
        return pd.DataFrame(columns=[*COLUMNS["views"], "geometry"]), pd.DataFrame(columns=_PRIVATE)
    same = ["camera_id", "x", "y", "azimuth_deg", "hfov_deg"]
    kept = known["cameras"].merge(cameras[same], on=same)
    views = known["views"]
    return pd.DataFrame(views[views["camera_id"].isin(kept["camera_id"])]), pd.DataFrame(kept[list(_PRIVATE)])


def _in_order(views: gpd.GeoDataFrame, cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    place = pd.Series(np.arange(len(cameras)), index=cameras["camera_id"])
    return views.iloc[np.argsort(place[views["camera_id"]].to_numpy(), kind="stable")].reset_index(drop=True)


def _private_table(
    cameras: gpd.GeoDataFrame, views: gpd.GeoDataFrame, private: shapely.Geometry, roads: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the private ground each camera sees, and the masks it needs as «from-to» degrees, joined by ";"."""
    widest = views[views["level"] != "recognition"].set_index("camera_id").geometry.reindex(cameras["camera_id"])
    parts = shapely.get_parts(private)
    tree = shapely.STRtree(parts)
    ground, hidden = [], []
    for camera, view in zip(cameras.itertuples(), widest.to_numpy(), strict=True):
        yards = shapely.union_all(parts[tree.query(view, "intersects")])
        ground.append(float(shapely.area(shapely.intersection(view, yards))))
        ranges = masks((camera.x, camera.y), view, yards, road_ground(roads, view))
        hidden.append(";".join(f"{start:.0f}-{stop:.0f}" for start, stop in ranges))
    return pd.DataFrame({"camera_id": cameras["camera_id"], "private_m2": np.round(ground, 1), "masks": hidden})


def _entrances_table(
    scene: Scene,
    best: Choice,
    cameras: gpd.GeoDataFrame,
    demand: Demand,
    roads: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    standing: gpd.GeoDataFrame,
    settings: CameraSettings,
) -> gpd.GeoDataFrame:
    """Return every entrance with the cameras that recognise what passes; for the others, where a pole could stand."""
    guards = scene.problem.guards[best.chosen].tocsc()
    names = cameras["camera_id"].to_numpy()
    watched = [
        ";".join(names[np.sort(guards.indices[a:b])])
        for a, b in zip(guards.indptr[:-1], guards.indptr[1:], strict=True)
    ]
    table = demand.entrances.assign(cameras=watched, can_be_seen=scene.problem.guardable)
    table["seen"] = table["cameras"] != ""
    table["seen_at_night"] = _seen_at_night(guards, cameras, table, settings)
    freed = released(settings)
    table["released"] = [freed.get(entrance, "") for entrance in table["entrance_id"]]
    usable = roads[roads["road_class"] != "expressway"]
    spots = [
        None if seen else nearest_buildable(entrance, usable, buildings, standing, settings=settings)
        for entrance, seen in zip(table.geometry, table["seen"], strict=True)
    ]
    table["build_x"] = [np.nan if spot is None else spot.x for spot in spots]
    table["build_y"] = [np.nan if spot is None else spot.y for spot in spots]
    table["build_distance_m"] = np.hypot(table["build_x"] - table.geometry.x, table["build_y"] - table.geometry.y)
    return table


def _seen_at_night(
    guards: object, cameras: gpd.GeoDataFrame, entrances: gpd.GeoDataFrame, settings: CameraSettings
) -> NDArray[np.bool_]:
    """Tell which entrances are recognised by night: lit by a street lamp, or within infrared reach of a camera."""
    camera, entrance = guards.tocoo().coords  # type: ignore[attr-defined]
    distance = np.hypot(*(site_xy(cameras)[camera] - site_xy(entrances)[entrance]).T)
    near = np.zeros(len(entrances), dtype=bool)
    near[entrance[distance <= settings.infrared_m]] = True
    seen: NDArray[np.bool_] = entrances["seen"].to_numpy() & (entrances["lit"].to_numpy() | near)
    return seen


def _blind_spots_table(scene: Scene, best: Choice, demand: Demand, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the road that no camera of the plan sees, gathered into spots of at most 120 m, the weightiest first."""
    unseen = demand.points[~scene.by_day(best.chosen)].reset_index(drop=True)
    unseen["spot"] = _gathered(unseen)
    spots = unseen.groupby("spot", sort=True)
    middle = unseen.loc[spots["weight"].idxmax()].reset_index(drop=True) if len(unseen) else unseen
    centres = villages.set_index("village_id").loc[middle["village_id"], ["centre_x", "centre_y"]].to_numpy()
    xy = site_xy(middle)
    table = middle[["village_id", "road"]].assign(
        length_m=spots["length_m"].sum().to_numpy(),
        weight_pct=100 * spots["weight"].sum().to_numpy() / demand.points["weight"].sum(),
        x=xy[:, 0],
        y=xy[:, 1],
        from_centre_m=np.hypot(*(xy - centres).T),
        direction=[DIRECTIONS[int(k)] for k in np.round(bearing_deg(centres, xy) / 45) % 8],
    )
    order = np.argsort(unseen["spot"], kind="stable")
    of_spot = np.unique(unseen["spot"].to_numpy()[order], return_inverse=True)[1]
    shapes = shapely.buffer(shapely.multipoints(site_xy(unseen)[order], indices=of_spot), 6.0, quad_segs=3)
    table = gpd.GeoDataFrame(table, geometry=shapes, crs=demand.points.crs)
    table = table.sort_values(["weight_pct", "village_id", "x"], ascending=[False, True, True])
    number = table.groupby("village_id").cumcount() + 1
    table.insert(0, "blind_spot_id", table["village_id"] + "-B" + number.astype(str))
    return table.reset_index(drop=True)


def _gathered(points: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Give each point the number of its spot: the weightiest point takes all free ones within 60 m, and so on."""
    spot = np.full(len(points), -1, dtype=np.int64)
    xy, village = site_xy(points), pd.factorize(points["village_id"])[0]
    places = np.column_stack([xy, village * 1e6])
    tree = cKDTree(places)
    for row in np.argsort(-points["weight"].to_numpy(), kind="stable"):
        if spot[row] < 0:
            around = np.array(tree.query_ball_point(places[row], BLIND_SPOT_M))
            spot[around[spot[around] < 0]] = row
    return spot


def summary_table(
    named: pd.DataFrame,
    demand: Demand,
    scene: Scene,
    best: Choice,
    tables: dict[str, pd.DataFrame],
    fewest_cut: pd.Series,
) -> pd.DataFrame:
    """Return one row per named village: cameras, price, road and entrances seen; ``fewest_cut`` by ``village_id``."""
    table = named.loc[named["named"], ["village_id", "name", "reasons", "population"]].reset_index(drop=True)
    cameras, sites, entrances = tables["cameras"], tables["sites"], tables["entrances"]
    points = pd.DataFrame(demand.points.drop(columns="geometry")).assign(
        seen=scene.by_day(best.chosen), night=scene.by_night(best.chosen), part=_share_of_weight(scene, best, demand)
    )
    price = (
        cameras.groupby("village_id")["cost_cny"].sum().add(sites.groupby("village_id")["cost_cny"].sum(), fill_value=0)
    )
    seen = points[points["seen"]].groupby("village_id")
    columns = {
        "new_cameras": cameras[cameras["status"] != "existing"].groupby("village_id").size(),
        "existing_cameras": cameras[cameras["status"] == "existing"].groupby("village_id").size(),
        "poles": sites[sites["kind"] != "existing"].groupby("village_id").size(),
        "cost_cny": price,
        "road_m": points.groupby("village_id")["length_m"].sum(),
        "seen_m": seen["length_m"].sum(),
        "seen_at_night_m": points[points["night"]].groupby("village_id")["length_m"].sum(),
        "entrances": entrances.groupby("village_id").size(),
        "entrances_seen": entrances[entrances["seen"]].groupby("village_id").size(),
        "fewest_cut": fewest_cut,
        "private_m2": cameras.groupby("village_id")["private_m2"].sum(),
    }
    for name, values in columns.items():
        table[name] = values.reindex(table["village_id"]).fillna(0).to_numpy()
    whole = points.groupby("village_id")["weight"].sum().reindex(table["village_id"])
    table["covered_pct"] = (
        100 * points.groupby("village_id")["part"].sum().reindex(table["village_id"]).fillna(0) / whole
    ).to_numpy()
    counts = ["new_cameras", "existing_cameras", "poles", "entrances", "entrances_seen", "fewest_cut"]
    return table[list(SUMMARY)].astype(dict.fromkeys(counts, "int64"))


def _share_of_weight(scene: Scene, best: Choice, demand: Demand) -> NDArray[np.float64]:
    """Return the weight of each road point that the cameras see, by day and by night together."""
    share = (scene.problem.weight * scene.problem.share(best.chosen)).reshape(2, len(demand.points))
    return np.asarray(share.sum(axis=0))


def empty_tables(crs: str) -> dict[str, pd.DataFrame]:
    """Return the plan's tables with no rows, for a study in which no camera can be planned."""
    tables: dict[str, pd.DataFrame] = {
        name: gpd.GeoDataFrame({column: [] for column in columns}, geometry=[], crs=crs)
        for name, columns in (COLUMNS | {"left_out": LEFT_OUT}).items()
    }
    plain = {"summary": SUMMARY, "checklist": CHECKLIST, "curve": CURVE, "rollout": ROLLOUT}
    tables["blind_spots"] = tables["blind_spots"].assign(**{name: [] for name in BEST})
    return tables | {name: pd.DataFrame({column: [] for column in columns}) for name, columns in plain.items()}
