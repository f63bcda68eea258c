"""What happened in the fictional town: two years of incidents with planted truth, before anybody wrote them down.

In:     the villages, things and roads of the town, yearly mix and profiles (reference.py), a generator.
Out:    one row per incident: type, words, time, place, village, who brought it to light, arrests, what was planted.
Method: numbers are Poisson, villages differ by a gamma effect of shape 2 (DOMAIN 5.5); places are drawn from pools of
        houses, venues, fields and roads. Planted on top: two fixed hotspots (market street, park gate), a seasonal one
        (a greenhouse field), a moving series of burglaries, near repeats. The false hotspot is a matter of recording.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.days import is_market_day
from gis_data.sample_town import layout, reference
from gis_data.sample_town.lanes import Village
from gis_data.sample_town.roads import Ground, ends
from gis_data.sample_town.things import points_of

MARKET_SPAN_M = (-350.0, -150.0)  # of the market street: 200 m, in front of the market square
MARKET_SIDE_M, GATE_SPREAD_M = 12.0, 28.0
SEASON_MONTHS = (9, 10, 12, 1)
SERIES_SIZE, SERIES_DAYS, SERIES_START = 8, 24, "2023-11-06"
SERIES_HOME = "V031"
NEAR_REPEAT_MEAN, REPEAT_DAYS, REPEAT_DAYS_MAX, REPEAT_M = 0.20, 7.0, 21.0, 150.0
CRIMINAL_SHARE_OF_MIXED = 0.3
BUSY_VENUE_SHARE, BUSY_VENUE_WEIGHT = 0.05, 6.3  # 5 % of venues have 25 % of the trouble

# Type of the reference -> where it happens, as shares of the pools below.
POOLS: dict[str, dict[str, float]] = {
    "burglary": {"houses": 1.0},
    "ebike_theft": {"market": 0.28, "gate": 0.30, "schools": 0.10, "venues": 0.07, "houses": 0.25},
    "vehicle_theft": {"houses": 1.0},
    "theft_from_vehicle": {"market": 0.20, "gate": 0.25, "main_roads": 0.20, "houses": 0.35},
    "pickpocketing": {"market": 0.85, "venues": 0.15},
    "farm_theft": {"greenhouses": 0.70, "fields": 0.30},
    "cable_theft": {"fields": 1.0},
    "robbery_snatch": {"main_roads": 1.0},
    "telecom_fraud": {"houses": 1.0},
    "assault": {"market": 0.18, "gate": 0.15, "venues": 0.37, "houses": 0.30},
    "criminal_damage": {"market": 0.10, "gate": 0.10, "houses": 0.60, "fields": 0.20},
    "gambling": {"houses": 1.0},
    "dispute": {"houses": 1.0},
    "crash": {"junctions": 0.45, "provincial": 0.30, "main_roads": 0.25},
    "fire": {"houses": 0.5, "fields": 0.5},
    "help": {"houses": 0.8, "main_roads": 0.2},
    "other": {"houses": 0.7, "venues": 0.3},
}
ON_ROADS, ROADSIDE_M = ("junctions", "provincial", "main_roads"), 4.0  # nobody clicks the very middle of a junction
PLANTED = {"market": "market_street", "gate": "park_gate", "greenhouses": "greenhouse_season"}
# Type -> words of the station's code table (class, subtype) with their frequency; "" takes the class of the mix.
WORDS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "burglary": (("刑事警情", "入室盗窃", 1.0),),
    "ebike_theft": (("", "盗窃电动车", 0.8), ("", "盗窃电瓶", 0.2)),
    "vehicle_theft": (("刑事警情", "盗窃机动车", 1.0),),
    "theft_from_vehicle": (("", "盗窃车内财物", 1.0),),
    "pickpocketing": (("", "扒窃", 1.0),),
    "farm_theft": (("", "盗窃农作物", 0.4), ("", "盗窃农资", 0.3), ("", "盗窃牲畜", 0.1), ("", "盗窃大棚", 0.2)),
    "cable_theft": (("", "盗窃电缆", 0.5), ("", "盗窃变压器", 0.2), ("", "盗窃水泵", 0.3)),
    "robbery_snatch": (("刑事警情", "抢劫", 0.3), ("刑事警情", "抢夺", 0.7)),
    "telecom_fraud": (("刑事警情", "电信网络诈骗", 1.0),),
    "assault": (("治安警情", "打架斗殴", 0.70), ("治安警情", "殴打他人", 0.18), ("治安警情", "家庭暴力", 0.12)),
    "criminal_damage": (("治安警情", "故意损毁财物", 1.0),),
    "gambling": (("治安警情", "赌博", 1.0),),
    "dispute": (
        ("纠纷", "邻里纠纷", 0.22), ("纠纷", "家庭纠纷", 0.10), ("纠纷", "土地纠纷", 0.12),
        ("纠纷", "债务纠纷", 0.18), ("纠纷", "劳资纠纷", 0.06), ("纠纷", "消费纠纷", 0.06),
        ("纠纷", "浇水纠纷", 0.06), ("纠纷", "其他纠纷", 0.20),
    ),
    "crash": (
        ("交通警情", "交通事故", 0.86), ("交通警情", "肇事逃逸", 0.03), ("交通警情", "违停", 0.07),
        ("交通警情", "交通拥堵", 0.04),
    ),
    "fire": (("火警", "火灾", 0.65), ("火警", "秸秆火情", 0.35)),
    "help": (
        ("群众求助", "走失", 0.10), ("群众求助", "失物", 0.19), ("群众求助", "开锁", 0.17),
        ("群众求助", "水电气热", 0.14), ("群众求助", "危急病人", 0.13), ("群众求助", "自杀警情", 0.01),
        ("群众求助", "其他求助", 0.26),
    ),
    "other": (
        ("社会联动", "噪音扰民", 0.26), ("社会联动", "占道经营", 0.08), ("举报投诉", "提供线索", 0.12),
        ("无效警情", "咨询", 0.30), ("无效警情", "误拨", 0.24),
    ),
}  # fmt: skip
MIXED_CLASS = ("刑事警情", "治安警情")
PLACE_WORDS = {"houses": "民宅", "market": "集贸市场", "gate": "厂区门口", "schools": "学校周边",
               "venues": "餐饮娱乐场所",
               "greenhouses": "大棚", "fields": "田间", "main_roads": "道路", "provincial": "道路",
               "junctions": "路口"}  # fmt: skip


@dataclass(frozen=True)
class Pools:
    """Where incidents can happen: points, weights and villages of each pool."""

    xy: Mapping[str, np.ndarray]
    weight: Mapping[str, np.ndarray]
    centres: np.ndarray
    ids: np.ndarray

    def draw(self, pool: str, count: int, *, rng: np.random.Generator) -> np.ndarray:
        """Return ``count`` points of a pool (n × 2)."""
        weight = self.weight[pool]
        return self.xy[pool][rng.choice(len(weight), count, p=weight / weight.sum())]

    def village_at(self, xy: np.ndarray) -> np.ndarray:
        """Return the village whose centre is nearest to each point."""
        distance = np.hypot(xy[:, None, 0] - self.centres[None, :, 0], xy[:, None, 1] - self.centres[None, :, 1])
        return self.ids[distance.argmin(axis=1)]


def draw_incidents(
    villages: Mapping[str, Village],
    things: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    ground: Ground,
    *,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw all incidents of ``reference.YEARS``.

    Returns
    -------
    DataFrame
        ``type``, ``incident_class`` and ``subtype`` (the station's words), ``at`` (local, naive), ``x_m``, ``y_m``,
        ``village_id``, ``place``, ``discovered``, ``caught``, ``planted``; rising in time.
    """
    pools = _make_pools(villages, things, roads, ground, rng=rng)
    mix = reference.annual_mix()
    parts = [_one_type(kind, year, mix, pools, rng=rng) for year in reference.YEARS for kind in mix.index]
    found = pd.concat([*parts, _series(pools, villages, rng=rng)], ignore_index=True)
    found = pd.concat([found, _near_repeats(found, pools, rng=rng)], ignore_index=True)
    found = _worded(found, rng=rng)
    found = _brought_to_light(found, mix, rng=rng)
    found["village_id"] = pools.village_at(found[["x_m", "y_m"]].to_numpy())
    return found.sort_values("at", kind="stable").reset_index(drop=True)


def _make_pools(
    villages: Mapping[str, Village], things: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, ground: Ground, *,
    rng: np.random.Generator,
) -> Pools:  # fmt: skip
    effect = dict(zip(villages, rng.gamma(2.0, 0.5, len(villages)), strict=True))
    houses = points_of(things, ["house"])
    at_edge = np.concatenate([village.house_edge for village in villages.values()])
    venues = points_of(things, ["restaurant", "karaoke", "internet_cafe", "hotel"])
    busy = np.ones(len(venues))
    busy[rng.permutation(len(venues))[: max(1, round(BUSY_VENUE_SHARE * len(venues)))]] = BUSY_VENUE_WEIGHT
    fields = points_of(things, ["well", "transformer"])
    away = shapely.STRtree(houses.geometry.to_numpy()).query(fields.geometry.to_numpy(), "dwithin", 300.0)[0]
    fields = fields.iloc[np.setdiff1d(np.arange(len(fields)), away)]
    inside = shapely.within(fields.geometry.to_numpy(), ground.boundary)
    highway = roads["highway"].to_numpy()
    town = shapely.intersection(roads.geometry.to_numpy(), ground.boundary.buffer(-20))
    xy = {
        "houses": _xy(houses),
        "venues": _xy(venues),
        "schools": _xy(points_of(things, ["middle_school", "primary_school", "hospital"])),
        "fields": _xy(fields[inside]),
        "greenhouses": _beside_greenhouses(ground),
        "market": _market_points(rng=rng),
        "gate": np.array(layout.PARK_GATE) + rng.normal(0, GATE_SPREAD_M, (400, 2)),
        "main_roads": _along(town[np.isin(highway, ("secondary", "tertiary"))]),
        "provincial": _along(town[highway == "primary"]),
        "junctions": _junctions(roads, ground),
    }
    weight = {name: np.ones(len(points)) for name, points in xy.items()}
    weight["houses"] = houses["village"].map(effect).to_numpy() * np.where(at_edge, 1.5, 1.0)
    weight["venues"] = busy
    centres = np.array([village.centre for village in villages.values()])
    return Pools(xy, weight, centres, np.array(list(villages), dtype=object))


def _xy(frame: gpd.GeoDataFrame) -> np.ndarray:
    return shapely.get_coordinates(frame.geometry.to_numpy())


def _market_points(*, rng: np.random.Generator) -> np.ndarray:
    along = rng.uniform(*MARKET_SPAN_M, 600)
    return np.column_stack([along, layout.MARKET_MIDDLE[1] + rng.normal(0, MARKET_SIDE_M, 600)])


def _beside_greenhouses(ground: Ground) -> np.ndarray:
    field = ground.greenhouses[layout.SEASONAL_CLUSTER]
    west, south, east, north = field.buffer(-20).bounds
    x, y = np.meshgrid(np.arange(west, east, 20), np.arange(south, north, 20))
    inside = shapely.contains_xy(field, x.ravel(), y.ravel())
    middle = field.centroid
    near = np.hypot(x.ravel() - middle.x, y.ravel() - middle.y) < 150.0
    return np.column_stack([x.ravel(), y.ravel()])[inside & near]


def _along(lines: np.ndarray, step_m: float = 15.0) -> np.ndarray:
    return shapely.get_coordinates(shapely.segmentize(lines[~shapely.is_empty(lines)], step_m))


def _junctions(roads: gpd.GeoDataFrame, ground: Ground) -> np.ndarray:
    """Return the junctions of main roads with at least three arms."""
    start, end = ends(roads)
    main = roads["highway"].isin(("primary", "secondary", "tertiary")).to_numpy()
    arms = np.bincount(np.concatenate([start, end]))
    on_main = np.zeros(len(arms), dtype=bool)
    on_main[np.concatenate([start[main], end[main]])] = True
    lines = roads.geometry.to_numpy()
    points = np.empty((len(arms), 2))
    points[start] = shapely.get_coordinates(shapely.get_point(lines, 0))
    points[end] = shapely.get_coordinates(shapely.get_point(lines, -1))
    inside = shapely.contains_xy(ground.boundary, points[:, 0], points[:, 1])
    return points[on_main & (arms >= 3) & inside]


def _one_type(kind: str, year: int, mix: pd.DataFrame, pools: Pools, *, rng: np.random.Generator) -> pd.DataFrame:
    count = int(rng.poisson(float(mix["n_modern"][kind])))
    names, shares = zip(*POOLS[kind].items(), strict=True)
    pool = np.array(names, dtype=object)[rng.choice(len(names), count, p=shares)]
    at = _times(kind, year, count, rng=rng)
    xy = np.empty((count, 2))
    for name in names:
        xy[pool == name] = pools.draw(name, int((pool == name).sum()), rng=rng)
    on_road = np.isin(pool.astype(str), ON_ROADS)
    xy[on_road] += rng.normal(0, ROADSIDE_M, (int(on_road.sum()), 2))
    found = pd.DataFrame({"type": kind, "at": at, "x_m": xy[:, 0], "y_m": xy[:, 1], "pool": pool})
    found["planted"] = found["pool"].map(PLANTED).fillna("")
    return _in_season(_on_market_days(found, rng=rng), year, rng=rng)


def _times(kind: str, year: int, count: int, *, rng: np.random.Generator) -> pd.DatetimeIndex:
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    by_day = reference.month_profiles().loc[kind].to_numpy()[days.month - 1]
    by_hour = reference.hour_profiles().loc[kind].to_numpy()
    day = days[rng.choice(len(days), count, p=by_day / by_day.sum())]
    minutes = rng.choice(24, count, p=by_hour) * 60 + rng.integers(0, 60, count)
    return day + pd.to_timedelta(minutes, unit="min")


def _on_market_days(found: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Move thefts at the market to the next market morning."""
    moved = found["type"].isin(("pickpocketing", "ebike_theft")) & (found["planted"] == "market_street")
    if not moved.any():
        return found
    year = int(found["at"].dt.year.iloc[0])
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    market = days[is_market_day(days, "5,10")]
    following = np.minimum(market.searchsorted(found.loc[moved, "at"].dt.normalize()), len(market) - 1)
    minutes = rng.integers(7 * 60, 11 * 60, int(moved.sum()))
    return found.assign(at=found["at"].mask(moved, _spread(market[following] + _minutes(minutes), moved)))


def _in_season(found: pd.DataFrame, year: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Move thefts at the greenhouses into the nights of their season."""
    moved = found["planted"] == "greenhouse_season"
    if not moved.any():
        return found
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    season = days[days.month.isin(SEASON_MONTHS)]
    night = (22 * 60 + rng.integers(0, 6 * 60, int(moved.sum()))) % (24 * 60)
    chosen = season[rng.choice(len(season), int(moved.sum()))] + _minutes(night)
    return found.assign(at=found["at"].mask(moved, _spread(chosen, moved)))


def _minutes(values: np.ndarray) -> pd.TimedeltaIndex:
    return pd.to_timedelta(values, unit="min")


def _spread(values: pd.DatetimeIndex, where: pd.Series) -> pd.Series:
    """Return a column with the values in the rows chosen, missing elsewhere."""
    return pd.Series(values, index=where.index[where]).reindex(where.index)


def _series(pools: Pools, villages: Mapping[str, Village], *, rng: np.random.Generator) -> pd.DataFrame:
    """Return the moving series: burglaries that wander through three neighbouring villages within 24 days."""
    home = villages[SERIES_HOME].centre
    near = np.hypot(*(pools.centres - home).T).argsort(kind="stable")[:3]
    stops = pools.ids[near][np.sort(rng.integers(0, 3, SERIES_SIZE))]
    days = np.sort(rng.uniform(0, SERIES_DAYS, SERIES_SIZE))
    houses = [shapely.get_coordinates(shapely.centroid(rng.choice(villages[key].houses)))[0] for key in stops]
    at = pd.Timestamp(SERIES_START) + _minutes(
        (np.floor(days) * 24 * 60 + rng.integers(0, 5 * 60, SERIES_SIZE)).astype(int)
    )
    xy = np.array(houses)
    return pd.DataFrame({"type": "burglary", "at": at, "x_m": xy[:, 0], "y_m": xy[:, 1], "pool": "houses",
                         "planted": "moving_series"})  # fmt: skip


def _near_repeats(found: pd.DataFrame, pools: Pools, *, rng: np.random.Generator) -> pd.DataFrame:
    """Return the burglaries that follow others: within three weeks, mostly within sight."""
    first = found[(found["type"] == "burglary") & (found["planted"] == "")]
    first = first.loc[first.index.repeat(rng.poisson(NEAR_REPEAT_MEAN, len(first)))]
    days = np.minimum(rng.exponential(REPEAT_DAYS, len(first)), REPEAT_DAYS_MAX)
    reach_m = rng.exponential(REPEAT_M, len(first)) + np.where(rng.random(len(first)) < 0.2, 1000.0, 0.0)
    angle = rng.uniform(0, 2 * np.pi, len(first))
    aim = first[["x_m", "y_m"]].to_numpy() + reach_m[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    houses = pools.xy["houses"]
    nearest = shapely.STRtree(shapely.points(houses)).query_nearest(shapely.points(aim), all_matches=False)[1]
    again = first.assign(at=first["at"] + _minutes((days * 24 * 60).astype(int)), planted="near_repeat")
    again = again.assign(x_m=houses[nearest, 0], y_m=houses[nearest, 1])
    return again[again["at"] < pd.Timestamp(f"{reference.YEARS[-1] + 1}-01-01")]


def _worded(found: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Add the words of the station's code table."""
    classes, subtypes = np.empty(len(found), dtype=object), np.empty(len(found), dtype=object)
    for kind, rows in found.groupby("type").indices.items():
        options = WORDS[str(kind)]
        chosen = rng.choice(len(options), len(rows), p=[share for _, _, share in options])
        mixed = np.where(rng.random(len(rows)) < CRIMINAL_SHARE_OF_MIXED, *MIXED_CLASS)
        classes[rows] = [options[k][0] or word for k, word in zip(chosen, mixed, strict=True)]
        subtypes[rows] = [options[k][1] for k in chosen]
    return found.assign(incident_class=classes, subtype=subtypes, place=found["pool"].map(PLACE_WORDS))


def _brought_to_light(found: pd.DataFrame, mix: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    reported = found["type"].map(mix["reported_share"]).to_numpy()
    caught = found["type"].map(mix["caught_in_act_prob"]).to_numpy()
    arrests = (rng.random(len(found)) < caught) * rng.choice((1, 2, 3), len(found), p=(0.85, 0.12, 0.03))
    return found.assign(discovered=rng.random(len(found)) > reported, caught=arrests)
