"""Coordinates: WGS-84 to GCJ-02 (Chinese web maps) and BD-09 (Baidu) and back, for arrays of degrees.

In:     longitude and latitude in degrees, in one of the three systems.
Out:    the same places in another system, as a pair of arrays (longitude, latitude).
Method: the published forward formulas (Krasovsky ellipsoid). Their usual inverse is one step and wrong by 1 to 2 m;
        here the forward formula is inverted by fixed-point iteration until a round trip is exact to a micrometre.
        CGCS2000 is taken as WGS-84: they differ by decimetres.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

KRASOVSKY_RADIUS_M = 6_378_245.0
KRASOVSKY_ECCENTRICITY2 = 0.00669342162296594323
BAIDU_ANGLE = np.pi * 3000.0 / 180.0
SHIFTED_LON, SHIFTED_LAT = (72.004, 137.8347), (0.8293, 55.8271)  # outside this box the web maps are not shifted
ROUND_TRIP_DEG = 1e-11  # a micrometre on the ground
ROUNDS = 50  # each gains two digits or more, but for a hair beside 105° east; six are enough


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return GCJ-02 degrees of WGS-84 degrees; places outside China's box are not shifted."""
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    x, y = lon - 105.0, lat - 35.0
    phi = np.radians(lat)
    magic = 1 - KRASOVSKY_ECCENTRICITY2 * np.sin(phi) ** 2
    east_m, north_m = _east_shift_m(x, y), _north_shift_m(x, y)
    east = np.degrees(east_m / (KRASOVSKY_RADIUS_M / np.sqrt(magic) * np.cos(phi)))
    north = np.degrees(north_m / (KRASOVSKY_RADIUS_M * (1 - KRASOVSKY_ECCENTRICITY2) / magic**1.5))
    shifted = _in_china(lon, lat)
    return np.where(shifted, lon + east, lon), np.where(shifted, lat + north, lat)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return WGS-84 degrees of GCJ-02 degrees."""
    return _inverse(wgs84_to_gcj02, lon, lat)


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return BD-09 degrees of GCJ-02 degrees."""
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * BAIDU_ANGLE)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * BAIDU_ANGLE)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return GCJ-02 degrees of BD-09 degrees."""
    return _inverse(gcj02_to_bd09, lon, lat)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return BD-09 degrees of WGS-84 degrees."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return WGS-84 degrees of BD-09 degrees."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def _inverse(forward: Shift, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    from_lon, from_lat = lon.copy(), lat.copy()
    for _ in range(ROUNDS):
        there_lon, there_lat = forward(from_lon, from_lat)
        off_lon, off_lat = lon - there_lon, lat - there_lat
        from_lon, from_lat = from_lon + off_lon, from_lat + off_lat
        if not np.any(np.hypot(off_lon, off_lat) > ROUND_TRIP_DEG):  # written so that NaN ends the search too
            break
    return from_lon, from_lat


def _in_china(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    (west, east), (south, north) = SHIFTED_LON, SHIFTED_LAT
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _waves_m(value: Floats, parts: tuple[tuple[float, float], ...]) -> Floats:
    waves = [size * np.sin(value * np.pi * rate) for size, rate in parts]
    return np.sum(waves, axis=0) * 2 / 3


def _east_shift_m(x: Floats, y: Floats) -> Floats:
    straight = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    return straight + _waves_m(
        x, ((20.0, 6.0), (20.0, 2.0), (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    )


def _north_shift_m(x: Floats, y: Floats) -> Floats:
    straight = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    in_x = _waves_m(x, ((20.0, 6.0), (20.0, 2.0)))
    return straight + in_x + _waves_m(y, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
