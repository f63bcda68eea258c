"""Privacy and law, camera by camera: what the filing table must say (State Council Order 799, in force 1 April 2025).

In:     the cameras of a plan, their views, places, and the settings.
Out:    one row per new camera: purpose, legal basis, sign, filing, retention, unit, private ground, masks.
Method: purpose = what the camera is for: the entrances it guards, else the kind of place in its view, else the road.
        Basis: article 7-1 for roads, bridges and squares (by the county government's plan), 7-2 for places where people
        gather (by the unit that runs them), 9 for other public places (only who has a duty of protection there).
        Article 13 asks for a visible sign, 14 for filing within 30 days, 17 for at least 30 days of storage. The tool
        decides nothing here: it fills in what the plan knows and leaves open what a person must answer.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.errors import SchemaError
from gis_data.settings import CameraSettings

GATHERING = ("market", "school", "hospital", "bus_station", "townhall")
PROTECTED = ("bank", "fuel", "hotel", "shop", "venue")
LEAST_RETENTION_DAYS = 30
FILING_DAYS = 30
COLUMNS = (
    "camera_id", "village_id", "purpose", "basis", "sign_x", "sign_y", "filing_days", "retention_days", "unit",
    "private_m2", "masks", "on_private_ground",
)  # fmt: skip


def checklist(
    cameras: gpd.GeoDataFrame,
    views: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    private: shapely.Geometry,
    *,
    settings: CameraSettings,
) -> pd.DataFrame:
    """Return the card of every camera that is not there yet: ``COLUMNS``.

    Raises
    ------
    SchemaError
        If the settings keep pictures for less than the 30 days of article 17.
    """
    if settings.retention_days < LEAST_RETENTION_DAYS:
        raise SchemaError("cameras.retention", found=settings.retention_days, least=LEAST_RETENTION_DAYS)
    new = cameras[cameras["status"] != "existing"].reset_index(drop=True)
    seen = _place_in_view(new, views, places)
    purpose = np.where(new["entrances"] != "", "entrance", np.where(seen == "", "road", seen))
    table = pd.DataFrame(new[["camera_id", "village_id"]]).assign(
        purpose=purpose,
        basis=np.select([np.isin(purpose, GATHERING), np.isin(purpose, PROTECTED)], ["7-2", "9"], "7-1"),
        sign_x=new["x"],
        sign_y=new["y"],
        filing_days=FILING_DAYS,
        retention_days=settings.retention_days,
        unit=settings.responsible_unit,
        private_m2=new["private_m2"],
        masks=new["masks"],
        on_private_ground=shapely.intersects(new.geometry.to_numpy(), private),
    )
    return table[list(COLUMNS)]


def _place_in_view(cameras: gpd.GeoDataFrame, views: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> np.ndarray:
    """Return the kind of the first place in each camera's view, those where people gather first; "" if none."""
    kinds = (*GATHERING, *PROTECTED)
    known = places[places["kind"].isin(kinds)]
    rank = known["kind"].map({kind: k for k, kind in enumerate(kinds)}).to_numpy()
    found = np.full(len(cameras), "", dtype=object)
    if len(known) == 0 or len(cameras) == 0:
        return found
    widest = views[views["level"] != "recognition"].set_index("camera_id").geometry.reindex(cameras["camera_id"])
    fronts = shapely.STRtree(shapely.buffer(known.geometry.to_numpy(), 15.0, quad_segs=2))
    camera, place = fronts.query(widest.to_numpy(), "intersects")
    order = np.lexsort((rank[place], camera))
    first = order[np.unique(camera[order], return_index=True)[1]]
    found[camera[first]] = known["kind"].to_numpy()[place[first]]
    return found
