"""The study: whose ground this is, in which metre CRS, and by which settings.

In:     a boundary polygon and a name.
Out:    a frozen ``Study`` that every room takes its CRS, time zone, cell size and settings from.
"""

from dataclasses import dataclass, field
from functools import cache

import geopandas as gpd
import pyproj
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from gis_data.errors import InputError
from gis_data.settings import Settings

WGS84 = "EPSG:4326"
WORKSPACE_VERSION = 1


@dataclass(frozen=True)
class Study:
    """One station's ground.

    Attributes
    ----------
    name
        The town's or district's name as printed on sheets.
    boundary
        Jurisdiction (辖区) in ``crs``.
    crs
        The one projected metre CRS of the study, as an authority code ("EPSG:4549").
    timezone
        Name of the local time zone.
    synthetic
        True for the sample town: every export then says 「合成数据，非真实警情」.
    credit
        Credit line that every map made from the study's base data must carry.
    """

    name: str
    boundary: Polygon | MultiPolygon
    crs: str
    timezone: str = "Asia/Shanghai"
    synthetic: bool = False
    credit: str = "© OpenStreetMap contributors"
    settings: Settings = field(default_factory=Settings)

    def boundary_frame(self) -> gpd.GeoDataFrame:
        """Return the boundary as a one-row table in the study's CRS."""
        return gpd.GeoDataFrame({"name": [self.name]}, geometry=[self.boundary], crs=self.crs)


def metre_crs(boundary: gpd.GeoSeries | gpd.GeoDataFrame) -> str:
    """Choose the projected metre CRS for a boundary.

    In China the CGCS2000 3-degree Gauss-Krüger zone without prefix (EPSG:4534 to 4554, central meridian 75 to
    135 degrees east); elsewhere the UTM zone of the middle.
    """
    west, south, east, north = boundary.to_crs(WGS84).total_bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    if 73.5 <= lon <= 135.1 and 18 <= lat <= 53.6:
        return f"EPSG:{4534 + round((lon - 75) / 3)}"
    return f"EPSG:{boundary.to_crs(WGS84).estimate_utm_crs().to_epsg()}"


@cache
def transformer(source: str, target: str) -> pyproj.Transformer:
    """Return the way from one CRS into another, x before y; to find one takes as long as to move 100,000 points."""
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def require_polygon(geometry: BaseGeometry, *, file: str) -> Polygon | MultiPolygon:
    """Return the geometry if it is a non-empty polygon.

    Raises
    ------
    InputError
        If it is anything else.
    """
    if not isinstance(geometry, Polygon | MultiPolygon) or geometry.is_empty:
        raise InputError("boundary.not_polygon", file=file, found=geometry.geom_type)
    return geometry


def is_metric(crs: str) -> bool:
    """Tell whether a CRS is projected in metres."""
    known = pyproj.CRS.from_user_input(crs)
    return known.is_projected and known.axis_info[0].unit_name == "metre"
