"""Ground drawn by hand for tests: ways, points, villages and a study, in metres from one corner."""

import geopandas as gpd
import pandas as pd
from shapely.geometry import LineString, Point

from gis_data import osm
from gis_data.settings import Settings
from gis_data.study import Study
from gis_data.tables import VILLAGES

CRS = "EPSG:4549"
EAST, NORTH = 487_000.0, 4_061_000.0


def ways(*rows):
    """Return tagged lines; each row is (points relative to the corner, tags)."""
    lines = [LineString([(EAST + x, NORTH + y) for x, y in points]) for points, _ in rows]
    frame = pd.DataFrame({tag: [tags.get(tag, "") for _, tags in rows] for tag in (*osm.TAGS, "osm_id")})
    return gpd.GeoDataFrame(frame, geometry=lines, crs=CRS)


def at(*points):
    return gpd.GeoSeries([Point(EAST + x, NORTH + y) for x, y in points], crs=CRS)


def study(boundary, **changes):
    return Study("test", boundary, CRS, settings=Settings.from_mapping(changes))


def villages_at(*points):
    names = [f"V{number}" for number in range(len(points))]
    frame = gpd.GeoDataFrame({"village_id": names, "name": names, "population": 100}, geometry=at(*points), crs=CRS)
    return VILLAGES.conform(frame, crs=CRS)
