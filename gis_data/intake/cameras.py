"""Cameras: where each stands, where it looks, whether it works, is placed by hand, or may not be there.

In:     a sheet or layer of cameras, OpenStreetMap's surveillance tags among them (``camera:direction``,
        ``camera:type``); a dome turns and is written with a view of 360 degrees.
Out:    rows of schema CAMERAS; one without a place, outside the boundary, or with an impossible angle is set aside.
"""

import geopandas as gpd
import pandas as pd

from gis_data.intake import values
from gis_data.intake.headers import Match
from gis_data.intake.points import column, number, shapes_of
from gis_data.intake.report import Sorted
from gis_data.intake.roster import coded
from gis_data.intake.sheets import Sheet
from gis_data.study import Study
from gis_data.tables import CAMERAS

ALL_ROUND_DEG = 360.0


def read(sheet: Sheet, match: Match, study: Study) -> Sorted:
    """Sort the rows of one sheet of cameras."""
    shapes = shapes_of(sheet, match, study)
    azimuth, hfov = number(sheet, match, "azimuth_deg"), number(sheet, match, "hfov_deg")
    turns = coded(column(sheet, match, "camera_type"), "camera_type") == "turning"
    hfov = hfov.mask(turns & hfov.isna(), ALL_ROUND_DEG)
    states = column(sheet, match, "status")
    rows = pd.DataFrame(
        {
            "camera_id": column(sheet, match, "camera_id"),
            "status": coded(states, "status").replace("", "working"),
            "azimuth_deg": azimuth,
            "hfov_deg": hfov,
            "note": values.as_code(column(sheet, match, "note")),
        }
    )
    reasons = pd.Series("", index=rows.index, dtype="str")
    reasons = reasons.mask(~shapes.is_empty & ~shapes.intersects(study.boundary), "outside")
    reasons = reasons.mask((azimuth < 0) | (azimuth > 360) | (hfov < 1) | (hfov > 360), "bad_angle")
    reasons = reasons.mask(~shapes.is_empty & (shapes.geom_type != "Point"), "wrong_shape").mask(
        shapes.is_empty, "no_place"
    )
    reasons = reasons.mask(values.is_private(rows["note"]), "private").mask(rows["camera_id"] == "", "no_name")
    reasons = reasons.mask((reasons == "") & rows["camera_id"].where(reasons == "").duplicated(), "duplicate")
    frame = gpd.GeoDataFrame(rows, geometry=shapes.to_numpy(), crs=study.crs)[(reasons == "").to_numpy()]
    accepted = CAMERAS.conform(frame, crs=study.crs, timezone=study.timezone)
    unheard = states[(states != "") & (coded(states, "status") == "")].value_counts()
    unknown = {str(word): int(count) for word, count in unheard.items()}
    details = pd.Series("", index=rows.index, dtype="str")
    return Sorted("cameras", accepted, reasons, details, refused=("private",), unknown=unknown)
