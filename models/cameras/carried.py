"""What a camera plan changed by hand keeps of the plan before: names of poles, states of cameras, sites left out.

In:     the tables made anew after a change, and those before it.
Out:    the same tables; what the change leaves unknown is gone from them.
"""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from models.cameras.left_out import BEST
from models.cameras.sites import SAME_SPOT_M
from models.cameras.tables import free_names
from models.cameras.visibility import site_xy


def still_left_out(left_out: pd.DataFrame, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the sites left out in villages without a change: elsewhere what they would add is not known any more."""
    looks = ["camera_id", "x", "y", "azimuth_deg", "hfov_deg"]
    same = pd.DataFrame(before[looks]).merge(pd.DataFrame(after[looks]))["camera_id"]
    touched = pd.concat([table[~table["camera_id"].isin(same)] for table in (before, after)])["village_id"]
    return left_out[~left_out["village_id"].isin(touched)]


def with_known_sites(blind: gpd.GeoDataFrame, before: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return blind spots with the site that would see most of those that are as they were; nothing of the others."""
    as_it_was = ["village_id", "x", "y", "length_m"]
    return blind.merge(pd.DataFrame(before[[*as_it_was, *BEST]]), on=as_it_was, how="left")


def with_history(
    tables: dict[str, pd.DataFrame], cameras: gpd.GeoDataFrame, before: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the tables with the state and year of cameras, and with the name and kind that poles had before."""
    known = cameras.set_index("camera_id").loc[tables["cameras"]["camera_id"]]
    sites, old = tables["sites"], before["sites"]
    near = cKDTree(_spots(old)).query(_spots(sites), distance_upper_bound=SAME_SPOT_M)[1]
    free = free_names(sites["village_id"], "S", set(old["site_id"]))
    names, kinds = sites["site_id"].tolist(), sites["kind"].tolist()
    for row, (at, village) in enumerate(zip(near, sites["village_id"], strict=True)):
        stood = at < len(old)
        names[row] = old["site_id"].iloc[at] if stood else next(free[village])
        kinds[row] = old["kind"].iloc[at] if stood else kinds[row]
    place = pd.Series(range(len(sites)), index=sites["site_id"])[tables["cameras"]["site_id"]]
    named = tables["cameras"].assign(
        status=known["status"].to_numpy(), year=known["year"].to_numpy(dtype=np.int64),
        site_id=np.array(names, dtype=object)[place], site_kind=np.array(kinds, dtype=object)[place],
    )  # fmt: skip
    return tables | {"cameras": named, "sites": sites.assign(site_id=names, kind=kinds)}


def _spots(sites: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return where poles are, with a third number that keeps apart those of cameras that stand already."""
    return np.column_stack([site_xy(sites), sites["kind"] == "existing"]).astype(np.float64)
