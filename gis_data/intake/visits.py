"""Visits: check-ins of crews at checkpoints (打卡), a crew's number and never a person's track.

In:     a sheet of crew, checkpoint, time, and the point where there is one.
Out:    rows of schema VISITS; notes on what looks written afterwards.
Method: DOMAIN 2.6, pitfall 17. Of honest check-ins one in thirty falls on a full or half hour (exact binomial test per
        crew and month); nobody drives from one checkpoint to the next faster than the road allows.
"""

import numpy as np
import pandas as pd
import shapely
from scipy import stats

from gis_data.intake import values
from gis_data.intake.headers import Match
from gis_data.intake.points import column, shapes_of
from gis_data.intake.report import Sorted
from gis_data.intake.sheets import Sheet
from gis_data.study import Study
from gis_data.tables import VISITS

ROUND_MINUTES, CHANCE_OF_ROUND = (0, 30), 2 / 60
LEAST_VISITS, ALPHA = 20, 1e-4
FASTEST_KM_PER_H = 120.0  # as the crow flies, so slower than any road
LEAST_LEG_M = 500.0


def read(sheet: Sheet, match: Match, study: Study) -> Sorted:
    """Sort the rows of one sheet of check-ins."""
    shapes = shapes_of(sheet, match, study)
    moment = values.as_moment(sheet.frame[match.fields["visited_at"][0]], timezone=study.timezone)
    rows = pd.DataFrame(
        {
            "crew_id": column(sheet, match, "crew_id"),
            "checkpoint": values.as_code(column(sheet, match, "checkpoint")),
            "visited_at": moment.dt.floor("min"),
            "source_row": sheet.rows,
        }
    )
    reasons = pd.Series("", index=rows.index, dtype="str")
    reasons = reasons.mask(~shapes.is_empty & ~shapes.intersects(study.boundary), "outside")
    reasons = reasons.mask(moment.isna(), "no_visit_time").mask(
        (rows["crew_id"] == "") | (rows["checkpoint"] == ""), "no_name"
    )
    good = reasons == ""
    reasons = reasons.mask(good & rows.where(good)[["crew_id", "checkpoint", "visited_at"]].duplicated(), "duplicate")
    good = reasons == ""
    points = shapes.centroid
    notes = {"visits_round": _on_round_minutes(rows[good]), "visits_too_fast": _too_fast(rows[good], points[good])}
    notes = {name: flags.reindex(rows.index, fill_value=False).astype(bool) for name, flags in notes.items()}
    frame = points[good].to_frame("geometry").join(rows[good])
    accepted = VISITS.conform(frame, crs=study.crs, timezone=study.timezone)
    return Sorted("visits", accepted, reasons, pd.Series("", index=rows.index, dtype="str"), notes=notes)


def _on_round_minutes(rows: pd.DataFrame) -> pd.Series:
    """Tell the check-ins of crews and months in which far too many fall on a full or half hour."""
    is_round = rows["visited_at"].dt.minute.isin(ROUND_MINUTES)
    group = [rows["crew_id"], rows["visited_at"].dt.strftime("%Y-%m")]
    counts = is_round.groupby(group).agg(["sum", "size"])
    p_value = stats.binom.sf(counts["sum"] - 1, counts["size"], CHANCE_OF_ROUND)
    told = counts[(counts["size"] >= LEAST_VISITS) & (p_value < ALPHA) & (counts["sum"] > counts["size"] / 2)].index
    here = pd.MultiIndex.from_arrays(group).isin(told)
    return pd.Series(here, index=rows.index, dtype=bool) & is_round


def _too_fast(rows: pd.DataFrame, points: pd.Series) -> pd.Series:
    """Tell the check-ins that a crew cannot have reached from the one before."""
    ordered = rows[~points.is_empty].sort_values(["crew_id", "visited_at"], kind="stable")
    xy = shapely.get_coordinates(points[ordered.index].to_numpy())
    leg_m = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)] if len(xy) else np.empty(0)
    hours = ordered["visited_at"].diff().dt.total_seconds().to_numpy() / 3600
    same = (ordered["crew_id"] == ordered["crew_id"].shift()).to_numpy()
    # Times are kept to the minute: a visit may have been up to a minute longer ago.
    reach_m = FASTEST_KM_PER_H * 1000 * (np.nan_to_num(hours) + 1 / 60)
    return pd.Series(same & (leg_m > LEAST_LEG_M) & (leg_m > reach_m), index=ordered.index, dtype=bool)
