"""Check-ins of the fictional town's crews at their checkpoints (打卡), with the errors that such logs have.

In:     the villages, things and reference table of the town, the crews that check in, a generator of its own.
Out:    one row per check-in as the devices sent it, beside where the crew really stood and what is wrong with the row.
Method: a crew on duty goes from checkpoint to checkpoint, the nearer and the more looked after the likelier, at
        patrol speed, and stays 10 to 15 minutes (DOMAIN 5.6). Errors are those of DOMAIN 2.6, 17: logs filled in
        afterwards on full and half hours, signatures for somebody who is elsewhere; and a device that shifts points.
"""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_data.coordinates import wgs84_to_gcj02
from gis_data.sample_town import layout, reference
from gis_data.sample_town.lanes import Village
from gis_data.sample_town.things import points_of

# Crew -> hour at which its shift begins, and the work areas it looks after ("" is the whole town).
CHECKING_IN = {
    "车巡1组": (6, ""), "车巡2组": (6, ""), "车巡3组": (18, ""),
    "摩巡1组": (8, "15"), "摩巡2组": (8, "26"), "摩巡3组": (8, "3"), "摩巡4组": (8, "4"),
}  # fmt: skip
DAYS = ("2023-01-01", "2023-12-31")  # the year in which the devices were given out
STOPS = (4, 9)
PATROL_M_PER_MIN = 25_000 / 60 / 1.3  # 25 km/h on roads, which are longer than the crow's way
STAY_MIN = (10.0, 15.0)
REACH_M = 2500.0
GPS_M = 6.0
AFTERWARDS = ("摩巡3组", ("2023-09", "2023-10"))
SHIFTED_DEVICE = ("摩巡4组", "2023-07-01")
IMPOSSIBLE, FAR_M = 40, 6000.0
TWICE_SHARE, NO_FIX_SHARE = 0.003, 0.01


def draw_check_ins(
    villages: Mapping[str, Village], table: pd.DataFrame, things: gpd.GeoDataFrame, habit: Mapping[str, float], *,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Draw a year of check-ins.

    Returns
    -------
    DataFrame
        ``crew_id``, ``checkpoint``, ``at`` (local, naive, rising), ``lon``, ``lat`` as sent (0 without a fix),
        ``true_lon``, ``true_lat``, ``error`` ("", "afterwards", "impossible", "twice", "no_fix") and ``system``.
    """
    points = _checkpoints(villages, table, things, habit)
    walks = [_walks(crew, number, points, rng=rng) for number, crew in enumerate(CHECKING_IN)]
    visits = pd.concat(walks, ignore_index=True).assign(error="", system="wgs84")
    visits = _with_errors(_written_afterwards(visits), points, rng=rng)
    visits = visits.sort_values(["at", "crew_id"], kind="stable", ignore_index=True)
    return _as_sent(visits, points, rng=rng)


def _checkpoints(
    villages: Mapping[str, Village], table: pd.DataFrame, things: gpd.GeoDataFrame, habit: Mapping[str, float]
) -> pd.DataFrame:
    """Return all checkpoints: each village's committee, the market, the park's gate, hospital and middle schools."""
    committees = pd.DataFrame(
        {
            "name": table["name"] + "委会",
            "x_m": [villages[key].centre[0] for key in table["village_id"]],
            "y_m": [villages[key].centre[1] for key in table["village_id"]],
            "area": table["work_area"],
            "weight": table["village_id"].map(habit).fillna(1.0),
        }
    )
    schools = points_of(things, ["hospital", "middle_school"])
    others = pd.DataFrame(
        {
            "name": ["禾川大集", "工业园门口", *schools["name"]],
            "x_m": [layout.MARKET_MIDDLE[0], layout.PARK_GATE[0], *schools.geometry.x],
            "y_m": [layout.MARKET_MIDDLE[1], layout.PARK_GATE[1], *schools.geometry.y],
        }
    )
    near = (others[["x_m", "y_m"]].to_numpy()[:, None] - committees[["x_m", "y_m"]].to_numpy()[None]) ** 2
    area = committees["area"].to_numpy()[near.sum(axis=2).argmin(axis=1)]
    return pd.concat([committees, others.assign(area=area, weight=3.0)], ignore_index=True)


def _walks(crew: str, number: int, points: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Return a crew's honest check-ins: on duty every second day."""
    begins, areas = CHECKING_IN[crew]
    ours = np.flatnonzero(points["area"].isin(list(areas))) if areas else np.arange(len(points))
    xy, weight = points[["x_m", "y_m"]].to_numpy()[ours], points["weight"].to_numpy()[ours]
    apart_m = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    # From a checkpoint to each other one: near ones and those liked; never the one just left.
    likely = np.where(np.eye(len(ours), dtype=bool), 0.0, weight[None] * np.exp(-apart_m / REACH_M))
    likely /= likely.sum(axis=1, keepdims=True)
    rows = []
    for day in pd.date_range(*DAYS)[number % 2 :: 2]:
        here = int(rng.choice(len(ours), p=weight / weight.sum()))
        minute = begins * 60 + rng.uniform(5, 40)
        for _ in range(int(rng.integers(*STOPS))):
            rows.append((day + pd.Timedelta(minutes=int(minute)), ours[here]))
            there = int(rng.choice(len(ours), p=likely[here]))
            minute += rng.uniform(*STAY_MIN) + apart_m[here, there] / PATROL_M_PER_MIN
            here = there
    at, stop = zip(*rows, strict=True)
    return pd.DataFrame({"crew_id": crew, "at": pd.DatetimeIndex(at), "stop": stop})


def _written_afterwards(visits: pd.DataFrame) -> pd.DataFrame:
    """Let one crew write its log at the end of the shift: a stop each half hour."""
    crew, months = AFTERWARDS
    told = (visits["crew_id"] == crew) & visits["at"].dt.strftime("%Y-%m").isin(months)
    day = visits["at"].dt.normalize()
    half_hours = visits.groupby([visits["crew_id"], day]).cumcount() + 1
    begins = pd.to_timedelta(CHECKING_IN[crew][0], unit="h")
    written = day + begins + pd.to_timedelta(30 * half_hours, unit="min")
    return visits.assign(at=visits["at"].mask(told, written), error=visits["error"].mask(told, "afterwards"))


def _with_errors(visits: pd.DataFrame, points: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Add check-ins sent twice, those without a fix, and signatures for a crew that is far away at that minute."""
    draw = rng.random(len(visits))
    no_fix = (draw < NO_FIX_SHARE) & (visits["error"] == "")
    visits = visits.assign(error=visits["error"].mask(no_fix, "no_fix"))
    twice = visits[(draw > 1 - TWICE_SHARE) & (visits["error"] == "")].assign(error="twice")
    usual = visits[visits["error"] == ""]
    signed = usual.iloc[np.sort(rng.choice(len(usual), IMPOSSIBLE, replace=False))]
    xy = points[["x_m", "y_m"]].to_numpy()
    far = np.hypot(*(xy[signed["stop"]][:, None] - xy[None]).transpose(2, 0, 1)) > FAR_M
    there = [int(rng.choice(np.flatnonzero(row))) for row in far]
    signed = signed.assign(stop=there, at=signed["at"] + pd.Timedelta(minutes=1), error="impossible")
    return pd.concat([visits, twice, signed], ignore_index=True)


def _as_sent(visits: pd.DataFrame, points: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Add where the crew stood and what its device made of it."""
    xy = points[["x_m", "y_m"]].to_numpy()[visits["stop"]]
    true = reference.to_degrees(xy)
    sent = reference.to_degrees(xy + rng.normal(0, GPS_M, xy.shape))
    crew, since = SHIFTED_DEVICE
    shifted = ((visits["crew_id"] == crew) & (visits["at"] >= since)).to_numpy()
    sent[shifted] = np.column_stack(wgs84_to_gcj02(*sent[shifted].T))
    sent[(visits["error"] == "no_fix").to_numpy()] = 0.0
    return visits.assign(
        checkpoint=points["name"].to_numpy()[visits["stop"]],
        lon=np.round(sent[:, 0], 6), lat=np.round(sent[:, 1], 6),
        true_lon=np.round(true[:, 0], 6), true_lat=np.round(true[:, 1], 6),
        system=visits["system"].mask(shifted, "gcj02"),
    )  # fmt: skip
