"""Surroundings: what the places of a sheet are held against.

In:     the study, its villages and its ground; what the station says of the systems its files are in.
Out:    the ground indexed; the system or CRS that the station names for a file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property

import geopandas as gpd
import pyproj

from gis_data.coordinates import SHIFTED_LAT, SHIFTED_LON
from gis_data.errors import InputError
from gis_data.intake import datum
from gis_data.study import WGS84, Study


@dataclass(frozen=True)
class Surroundings:
    """What places are held against.

    Attributes
    ----------
    buildings, roads, places
        The ground of the study; empty where no extract was imported yet.
    own_datum
        File name (or pattern) -> system, from ``[intake.datum]`` of ``station.toml``: the answer to an open question.
        Where the columns are neither degrees nor metres of the study's CRS, the code of theirs ("EPSG:2226").
    """

    study: Study
    villages: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    own_datum: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ground(self) -> datum.Ground:
        """Buildings and roads, indexed."""
        return datum.Ground(self.study, self.buildings, self.roads)

    @cached_property
    def may_be_shifted(self) -> bool:
        """Whether the web maps shift the study's ground at all."""
        middle = gpd.GeoSeries([self.study.boundary.centroid], crs=self.study.crs).to_crs(WGS84).iloc[0]
        lon, lat = middle.x, middle.y
        (west, east), (south, north) = SHIFTED_LON, SHIFTED_LAT
        return bool(west < lon < east and south < lat < north)

    def make_ready(self) -> None:
        """Work out now what is worked out but once."""
        _ = self.ground, self.may_be_shifted

    def datum_of(self, file: str) -> str:
        """Return the system that the station says a file is in; "" if it says nothing.

        Raises
        ------
        InputError
            If it names a system that does not exist.
        """
        for pattern, system in self.own_datum.items():
            if fnmatch(file, pattern):
                if system not in datum.SYSTEMS and not _is_crs(system):
                    known = ", ".join((*datum.SYSTEMS, "EPSG:…"))
                    raise InputError("intake.own_datum", file=pattern, found=system, known=known)
                return system
        return ""

    def crs_of(self, file: str) -> str:
        """Return the code of the CRS that the station says a file's columns are in; "" for one of the three systems."""
        system = self.datum_of(file)
        return "" if system in datum.SYSTEMS else system


def _is_crs(code: str) -> bool:
    try:
        return bool(re.fullmatch(r"[A-Z]+:\d+", code)) and pyproj.CRS.from_user_input(code) is not None
    except pyproj.exceptions.CRSError:
        return False
