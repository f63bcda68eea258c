"""Shapes of a sheet's rows: from its own geometry, or from two columns of coordinates."""

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.intake import places, values
from gis_data.intake.headers import Match
from gis_data.intake.sheets import Sheet, shapes_in
from gis_data.study import Study


def shapes_of(sheet: Sheet, match: Match, study: Study) -> gpd.GeoSeries:
    """Return one shape per row in the study's CRS; empty where a row has none."""
    if sheet.shapes is not None:
        moved = shapes_in(sheet.path, sheet.shapes, study.crs).force_2d()
        return gpd.GeoSeries(moved.fillna(shapely.Point()), crs=study.crs)
    return places.read_points(number(sheet, match, "lon"), number(sheet, match, "lat"), study)


def column(sheet: Sheet, match: Match, name: str) -> pd.Series:
    """Return a field as text, "" where the sheet does not have it."""
    if name not in match.fields:
        return pd.Series("", index=sheet.frame.index, dtype="str")
    return values.as_text(sheet.frame[match.fields[name][0]])


def number(sheet: Sheet, match: Match, name: str) -> pd.Series:
    """Return a field as numbers, NaN where the sheet does not have it."""
    if name not in match.fields:
        return pd.Series(float("nan"), index=sheet.frame.index)
    return values.as_number(sheet.frame[match.fields[name][0]])
