"""A zone in arithmetic for the tests of beats: what the grid town's tables become."""

import geopandas as gpd
import pytest
import shapely

from gis_data.tables import BUILDINGS, LANDUSE, PLACES
from models.beats.plan import Tables, plan_beats
from models.zones import plan_zones

CRS = "EPSG:4549"
EAST, NORTH = 486_000.0, 4_061_000.0


def place_table(*rows):
    """Rows (kind, name, x, y) as table PLACES."""
    if not rows:
        return PLACES.empty(crs=CRS)
    table = gpd.GeoDataFrame(
        {"place_id": range(len(rows)), "kind": [row[0] for row in rows], "name": [row[1] for row in rows]},
        geometry=[shapely.Point(EAST + row[2], NORTH + row[3]) for row in rows], crs=CRS,
    )  # fmt: skip
    return PLACES.conform(table, crs=CRS)


def hotspot_table(*rows):
    """Rows (id, x, y, radius, peak hours) as the hotspot plan has them."""
    shapes = [shapely.Point(EAST + x, NORTH + y).buffer(radius) for _, x, y, radius, _ in rows]
    table = {
        "hotspot_id": [row[0] for row in rows], "is_hotspot": [True] * len(rows), "count": [12] * len(rows),
        "peak_hours": [row[4] for row in rows],
    }  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def house_table(*boxes):
    if not boxes:
        return BUILDINGS.empty(crs=CRS)
    shapes = [shapely.box(EAST + a, NORTH + b, EAST + c, NORTH + d) for a, b, c, d in boxes]
    table = {"building_id": range(len(boxes)), "kind": "house", "is_dwelling": True}
    return BUILDINGS.conform(gpd.GeoDataFrame(table, geometry=shapes, crs=CRS), crs=CRS)


@pytest.fixture(scope="session")
def make_beats():
    """Return the function that plans zones and beats of a grid town."""

    def make(town, *, hotspots=None, places=None, houses=None, count=2, seed=1, zones=None, by_hand=()):
        zones = zones or plan_zones(town.study, *town.tables, period=town.period, seed=1, count=count)
        tables = Tables(
            town.villages, town.cells, town.roads, house_table() if houses is None else houses,
            LANDUSE.empty(crs=CRS), place_table() if places is None else places, town.incidents,
        )  # fmt: skip
        return plan_beats(town.study, zones, hotspots, tables, period=town.period, seed=seed, by_hand=by_hand)

    return make


@pytest.fixture(scope="session")
def places():
    """Return the function that makes a table of places."""
    return place_table


@pytest.fixture(scope="session")
def houses():
    """Return the function that makes dwellings from boxes."""
    return house_table


@pytest.fixture(scope="session")
def hotspot():
    """Return the function that makes a table of hotspots."""
    return hotspot_table
