"""Visits: check-ins of crews at checkpoints (打卡), a crew's number and never a person's track.

In:     a sheet of crew, checkpoint, time, and the point where there is one.
Out:    rows of schema VISITS; notes on what looks written afterwards, and on points moved back or missing.
Method: DOMAIN 2.6, pitfalls 1, 4 and 17. Of honest check-ins one in thirty falls on a full or half hour (exact
        binomial test per crew and month); nobody drives from one checkpoint to the next faster than the road allows.
        In which system a crew's device writes is told by the ground and by where other crews check in at the same
        checkpoints.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

from gis_data.intake import datum, places, values
from gis_data.intake.headers import Match
from gis_data.intake.moments import as_moment
from gis_data.intake.points import column, number, shapes_of
from gis_data.intake.report import Sorted
from gis_data.intake.sheets import Sheet
from gis_data.intake.surroundings import Surroundings
from gis_data.tables import VISITS

ROUND_MINUTES, CHANCE_OF_ROUND = (0, 30), 2 / 60
LEAST_VISITS, ALPHA = 20, 1e-4
FASTEST_KM_PER_H = 120.0  # as the crow flies, so slower than any road
LEAST_LEG_M = 500.0


def read(sheet: Sheet, match: Match, around: Surroundings) -> Sorted:
    """Sort the rows of one sheet of check-ins."""
    study = around.study
    moment = as_moment(sheet.frame[match.fields["visited_at"][0]], timezone=study.timezone)
    rows = pd.DataFrame(
        {
            "crew_id": column(sheet, match, "crew_id"),
            "checkpoint": values.as_code(column(sheet, match, "checkpoint")),
            "visited_at": moment.dt.floor("min"),
            "source_row": sheet.rows,
        }
    )
    shapes, system = _shapes(sheet, match, rows, around)
    reasons = pd.Series("", index=rows.index, dtype="str")
    reasons = reasons.mask(~shapes.is_empty & ~shapes.intersects(study.boundary), "outside")
    reasons = reasons.mask(moment.isna(), "no_visit_time").mask(
        (rows["crew_id"] == "") | (rows["checkpoint"] == ""), "no_name"
    )
    good = reasons == ""
    reasons = reasons.mask(good & rows.where(good)[["crew_id", "checkpoint", "visited_at"]].duplicated(), "duplicate")
    good = reasons == ""
    points = shapes.centroid
    notes = {"visits_round": on_round_minutes(rows[good]), "visits_too_fast": too_fast(rows[good], points[good])}
    if not shapes.is_empty.all():
        notes["visits_no_point"] = shapes.is_empty & (system != "unclear") & good
    notes |= {name: (system == name) & good for name in ("gcj02", "bd09")}
    notes["datum_unclear"] = (system == "unclear") & good
    notes = {name: flags.reindex(rows.index, fill_value=False).astype(bool) for name, flags in notes.items()}
    frame = points[good].to_frame("geometry").join(rows[good])
    accepted = VISITS.conform(frame, crs=study.crs, timezone=study.timezone)
    return Sorted("visits", accepted, reasons, pd.Series("", index=rows.index, dtype="str"), notes=notes)


def _shapes(sheet: Sheet, match: Match, rows: pd.DataFrame, around: Surroundings) -> tuple[gpd.GeoSeries, pd.Series]:
    """Return each row's shape, moved back to WGS-84 where a device shifts it, and the system of its degrees.

    A point in a system that cannot be told is empty: its visit counts at its checkpoint, and nowhere on the map.
    """
    shapes = shapes_of(sheet, match, around.study)
    system = pd.Series("", index=rows.index, dtype=object)
    if sheet.shapes is not None:
        return shapes, system
    lon, lat = (number(sheet, match, name) for name in ("lon", "lat"))
    system[~shapes.is_empty & (lon.abs() <= 180) & (lat.abs() <= 90)] = "wgs84"
    own = around.datum_of(sheet.path.name)
    if own in datum.SYSTEMS:
        system = system.mask(system == "wgs84", own)
    elif around.may_be_shifted and around.ground.is_known:
        system = _systems(lon, lat, shapes, rows, system, around)
    moved = pd.DataFrame(dict(zip(("lon", "lat"), datum.to_wgs84(lon.to_numpy(), lat.to_numpy(), system.to_numpy()),
                                  strict=True)), index=rows.index)  # fmt: skip
    shapes = shapes.where(~system.isin(["gcj02", "bd09"]), places.read_points(moved["lon"], moved["lat"], around.study))
    return shapes.where(system != "unclear", shapely.Point()), system


def _systems(
    lon: pd.Series, lat: pd.Series, shapes: gpd.GeoSeries, rows: pd.DataFrame, system: pd.Series, around: Surroundings
) -> pd.Series:
    """Return the system of each crew's device: a crew that changes devices changes systems at one moment."""
    found = system.copy()
    asked = rows[(system == "wgs84") & rows["visited_at"].notna()].sort_values("visited_at", kind="stable")
    xy = pd.DataFrame(shapely.get_coordinates(shapes[asked.index].to_numpy()), index=asked.index, columns=["x", "y"])
    # Where each crew checks in, checkpoint by checkpoint; a crew is held against the others only.
    usual = xy.groupby([asked["crew_id"], asked["checkpoint"]]).median()
    for crew, ours in asked.groupby("crew_id"):
        others = usual.drop(index=crew, level=0).groupby(level=1).median().reindex(ours["checkpoint"])
        verdict = datum.find_datum(
            lon[ours.index].to_numpy(), lat[ours.index].to_numpy(), others.to_numpy(dtype=float), around.ground
        )
        found[ours.index] = verdict.system
    return found


def on_round_minutes(rows: pd.DataFrame) -> pd.Series:
    """Tell the check-ins of crews and months in which far too many fall on a full or half hour."""
    is_round = rows["visited_at"].dt.minute.isin(ROUND_MINUTES)
    group = [rows["crew_id"], rows["visited_at"].dt.strftime("%Y-%m")]
    counts = is_round.groupby(group).agg(["sum", "size"])
    p_value = stats.binom.sf(counts["sum"] - 1, counts["size"], CHANCE_OF_ROUND)
    told = counts[(counts["size"] >= LEAST_VISITS) & (p_value < ALPHA) & (counts["sum"] > counts["size"] / 2)].index
    here = pd.MultiIndex.from_arrays(group).isin(told)
    return pd.Series(here, index=rows.index, dtype=bool) & is_round


def too_fast(rows: pd.DataFrame, points: pd.Series) -> pd.Series:
    """Tell the check-ins that a crew cannot have reached from the one before."""
    ordered = rows[~points.is_empty].sort_values(["crew_id", "visited_at"], kind="stable")
    xy = shapely.get_coordinates(points[ordered.index].to_numpy())
    leg_m = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)] if len(xy) else np.empty(0)
    hours = ordered["visited_at"].diff().dt.total_seconds().to_numpy() / 3600
    same = (ordered["crew_id"] == ordered["crew_id"].shift()).to_numpy()
    # Times are kept to the minute: a visit may have been up to a minute longer ago.
    reach_m = FASTEST_KM_PER_H * 1000 * (np.nan_to_num(hours) + 1 / 60)
    return pd.Series(same & (leg_m > LEAST_LEG_M) & (leg_m > reach_m), index=ordered.index, dtype=bool)
