"""A small town in arithmetic for the plan tests: a square grid, villages, a river, roads and incidents, all by hand."""

from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_data.barriers import find_crossings
from gis_data.cells import make_cells
from gis_data.periods import Period
from gis_data.settings import Settings
from gis_data.study import Study
from gis_data.tables import BARRIERS, INCIDENTS, ROADS, VILLAGES
from gis_data.workspace import Workspace
from models.town_plan import plan_town

CRS = "EPSG:4549"
ZONE = "Asia/Shanghai"
EAST, NORTH = 486_000.0, 4_061_000.0
CELL_M = 200.0


@dataclass(frozen=True)
class GridTown:
    """2.4 x 1.6 km: eight villages in two rows, a river between the rows, roads along both banks."""

    study: Study
    villages: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    cell_edges: pd.DataFrame
    roads: gpd.GeoDataFrame
    incidents: gpd.GeoDataFrame
    period: Period
    barriers: gpd.GeoDataFrame

    @property
    def tables(self):
        return self.villages, self.cells, self.cell_edges, self.roads, self.incidents

    def with_incidents(self, *rows):
        return replace(self, incidents=incident_table(*rows))


def at(x, y):
    return shapely.Point(EAST + x, NORTH + y)


def incident_table(*rows):
    """Rows of dictionaries over these: an exact reported theft at (x, y) in the middle of the first week."""
    plain = {
        "x": 100.0, "y": 100.0, "incident_class": "criminal", "type": "theft", "origin": "reported", "count": 1,
        "precision": "exact", "caught_count": 0, "village_id": "", "reported_at": "2023-01-03 12:00",
    }  # fmt: skip
    if not rows:
        return INCIDENTS.empty(crs=CRS)
    table = pd.DataFrame([plain | row for row in rows])
    table["incident_id"] = [f"I{k}" for k in range(len(table))]
    table["reported_at"] = pd.to_datetime(table["reported_at"]).dt.tz_localize(ZONE)
    points = [at(x, y) for x, y in zip(table["x"], table["y"], strict=True)]
    return INCIDENTS.conform(gpd.GeoDataFrame(table, geometry=points, crs=CRS), crs=CRS)


def road_table(*lines):
    ends = [(line[0], line[-1]) for line in lines]
    node = {end: k for k, end in enumerate(sorted({end for pair in ends for end in pair}))}
    shapes = [shapely.LineString([at(*point) for point in line]) for line in lines]
    table = gpd.GeoDataFrame(
        {
            "road_id": range(len(lines)), "road_class": "village", "length_m": shapely.length(shapes),
            "speed_kmh": 25.0, "from_node": [node[a] for a, _ in ends], "to_node": [node[b] for _, b in ends],
        },
        geometry=shapes, crs=CRS,
    )  # fmt: skip
    return ROADS.conform(table, crs=CRS)


def build_grid_town(*, bridges=(1200.0,), roads=True, villages=True, counts=(4,) * 8, **settings) -> GridTown:
    """Village k of row r stands at (300 + 600 k, 300 + 1000 r); each reports ``counts`` thefts a year of 52 weeks."""
    boundary = shapely.box(EAST, NORTH, EAST + 2400, NORTH + 1600)
    zones = {"random_plans": 0} | settings.pop("zones", {})
    asked = Settings.from_mapping({"cell_size_m": CELL_M, "zones": zones, **settings})
    study = Study("试验镇", boundary, CRS, settings=asked)
    centres = [(300.0 + 600 * k, 300.0 + 1000 * r) for r in (0, 1) for k in range(4)]
    table = gpd.GeoDataFrame(
        {
            "village_id": [f"V{k}" for k in range(8)], "name": [f"村{k}" for k in range(8)], "population": 1000,
            "work_area": ["南"] * 4 + ["北"] * 4, "centre_x": [EAST + x for x, _ in centres],
            "centre_y": [NORTH + y for _, y in centres],
        },
        geometry=[at(*c) for c in centres], crs=CRS,
    )  # fmt: skip
    banks = [[(x, y), (x + 600, y)] for y in (300.0, 1300.0) for x in (0.0, 600.0, 1200.0, 1800.0)]
    lines = road_table(*banks, *([(x, 300.0), (x, 1300.0)] for x in bridges))
    river = gpd.GeoDataFrame(
        {"barrier_id": [0], "kind": ["river"]},
        geometry=[shapely.LineString([at(-50, 800.0), at(2450, 800.0)])], crs=CRS,
    )  # fmt: skip
    barriers = BARRIERS.conform(river, crs=CRS)
    people = VILLAGES.conform(table, crs=CRS) if villages else VILLAGES.empty(crs=CRS)
    cells, edges = make_cells(study, people, lines, barriers, find_crossings(barriers, lines, crs=CRS))
    rows = [
        {"x": x, "y": y, "village_id": f"V{k}"}
        for k, ((x, y), count) in enumerate(zip(centres, counts, strict=True))
        for _ in range(count)
    ]
    period = Period(pd.Timestamp("2023-01-01", tz=ZONE), pd.Timestamp("2023-12-31", tz=ZONE))
    lines = lines if roads else ROADS.empty(crs=CRS)
    return GridTown(study, people, cells, edges, lines, incident_table(*rows), period, barriers)


@pytest.fixture(scope="session")
def grid_town():
    """Return the function that builds the town."""
    return build_grid_town


@pytest.fixture(scope="session")
def incident_rows():
    """Return the function that makes an incident table from a few words a row."""
    return incident_table


@pytest.fixture(scope="session")
def small_workspace(tmp_path_factory):
    """Return the function that makes a workspace with the small town, its zones and scorecard planned."""

    def make(*, bridges=(300.0, 2100.0), counts=(4,) * 8, villages=True, **zones):
        town = build_grid_town(bridges=bridges, counts=counts, villages=villages, zones={"count": 2} | zones)
        ws = Workspace.create(tmp_path_factory.mktemp("small") / "town", town.study)
        crossings = find_crossings(town.barriers, town.roads, crs=CRS)
        ws.write({"villages": town.villages, "roads": town.roads, "incidents": town.incidents,
                  "barriers": town.barriers, "crossings": crossings})  # fmt: skip
        plan_town(ws, ["zones", "scorecard"], seed=1)
        return ws

    return make
