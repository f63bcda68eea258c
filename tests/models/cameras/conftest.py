"""A synthetic town for the camera tests: villages of lanes and houses on farm tracks, all tables as the door gives."""

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_data.periods import Period
from gis_data.settings import CameraSettings, Settings
from gis_data.study import Study
from gis_data.tables import BUILDINGS, CAMERAS, CELLS, INCIDENTS, PLACES, ROADS, VILLAGES

from .referee import planned

CRS = "EPSG:4549"
ORIGIN = np.array([486_000.0, 4_061_000.0])


@dataclass
class Town:
    study: Study
    villages: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame
    incidents: gpd.GeoDataFrame
    period: Period

    @property
    def tables(self):
        return (
            self.villages, self.cells, self.roads, self.buildings, self.places, self.cameras, self.incidents,
        )  # fmt: skip


def lanes(centre, *, blocks, block_m, approach_m, rng):
    """Edges of a lane grid with four roads leading out, as (class, start, end)."""
    steps = (np.arange(blocks + 1) - blocks / 2) * block_m
    edges = []
    for k, line in enumerate(steps):
        for a, b in pairwise(steps):
            edges.append(("village", (a, line), (b, line)))
            if k % 2 == 0 or rng.random() < 0.7:
                edges.append(("village", (line, a), (line, b)))
    out = steps[-1]
    middle = steps[len(steps) // 2]
    edges += [
        ("township", (out, middle), (out + approach_m, middle)),
        ("township", (-out, middle), (-out - approach_m, middle)),
        ("village", (middle, out), (middle, out + approach_m)),
        ("track", (steps[0], -out), (steps[0], -out - approach_m)),
    ]
    return [(kind, np.add(centre, a), np.add(centre, b)) for kind, a, b in edges]


def houses(centre, *, blocks, block_m, rng):
    """Rows of three courtyard houses between the lanes, 4 m clear of the lanes' middle lines; some plots are empty."""
    steps = np.add(centre, (np.arange(blocks)[:, None] - blocks / 2) * block_m)
    wide = (block_m - 8) / 3
    plots = [(x + 4 + k * wide, y + 4) for x in steps[:, 0] for y in steps[:, 1] for k in range(3)]
    return [shapely.box(x, y, x + wide - 1, y + block_m - 8) for x, y in plots if rng.random() < 0.9]


def build_town(
    *, villages=1, seed=0, blocks=5, block_m=36.0, populations=None, incidents=40, **camera_settings
) -> Town:
    rng = np.random.default_rng(seed)
    centres = [np.add(ORIGIN, (1500.0 * k, 0.0)) for k in range(villages)]
    edges, walls = [], []
    for centre in centres:
        edges += lanes(centre, blocks=blocks, block_m=block_m, approach_m=250.0, rng=rng)
        walls += houses(centre, blocks=blocks, block_m=block_m, rng=rng)
    roads = road_table(edges)
    people = populations or [1600] * villages
    table = gpd.GeoDataFrame(
        {
            "village_id": [f"V{k:03d}" for k in range(villages)],
            "name": [f"村{k}" for k in range(villages)],
            "population": people,
            "centre_x": [c[0] for c in centres],
            "centre_y": [c[1] for c in centres],
        },
        geometry=[shapely.Point(c) for c in centres],
        crs=CRS,
    )
    lamps = [
        np.add(c, (block_m * a + 3, block_m * (b - 0.5) + 3)) for c in centres for a in (-1, 0, 1) for b in (-1, 0, 1)
    ]
    buildings = gpd.GeoDataFrame(
        {"building_id": range(len(walls)), "kind": "house", "is_dwelling": True}, geometry=walls, crs=CRS
    )
    boundary = shapely.box(*(ORIGIN - 1000), *np.add(ORIGIN, (1500.0 * villages, 1000)))
    return Town(
        study=Study("测试镇", boundary, CRS, settings=Settings(cameras=CameraSettings(**camera_settings))),
        villages=VILLAGES.conform(table, crs=CRS),
        cells=CELLS.empty(crs=CRS),
        roads=roads,
        buildings=BUILDINGS.conform(buildings, crs=CRS),
        places=PLACES.conform(
            gpd.GeoDataFrame({"place_id": range(len(lamps)), "kind": "lamp"}, geometry=shapely.points(lamps), crs=CRS),
            crs=CRS,
        ),
        cameras=CAMERAS.empty(crs=CRS),
        incidents=random_incidents(centres, count=incidents, rng=rng),
        period=Period(pd.Timestamp("2022-01-01", tz="Asia/Shanghai"), pd.Timestamp("2024-01-01", tz="Asia/Shanghai")),
    )


def road_table(edges) -> gpd.GeoDataFrame:
    ends = np.array([point for _, a, b in edges for point in (a, b)])
    node = np.unique(np.round(ends, 2), axis=0, return_inverse=True)[1].ravel().reshape(-1, 2)
    lines = [shapely.LineString([a, b]) for _, a, b in edges]
    table = gpd.GeoDataFrame(
        {
            "road_id": range(len(edges)),
            "road_class": [kind for kind, _, _ in edges],
            "length_m": shapely.length(lines),
            "speed_kmh": 25.0,
            "from_node": node[:, 0],
            "to_node": node[:, 1],
        },
        geometry=lines,
        crs=CRS,
    )
    return ROADS.conform(table, crs=CRS)


def random_incidents(centres, *, count, rng, origin="reported", kind="theft", spread_m=60.0) -> gpd.GeoDataFrame:
    which = rng.integers(len(centres), size=count)
    xy = np.array(centres)[which] + rng.normal(0, spread_m, (count, 2))
    days = pd.Timestamp("2022-01-01", tz="Asia/Shanghai") + pd.to_timedelta(rng.integers(0, 730, count), unit="D")
    table = gpd.GeoDataFrame(
        {
            "incident_id": [f"{origin}-{k}" for k in range(count)],
            "reported_at": days,
            "incident_class": "criminal",
            "type": kind,
            "origin": origin,
            "precision": "exact",
            "caught_count": 1 if origin == "discovered" else 0,
            "village_id": [f"V{k:03d}" for k in which],
        },
        geometry=shapely.points(xy),
        crs=CRS,
    )
    return INCIDENTS.conform(table, crs=CRS)


@pytest.fixture(scope="session")
def make_town():
    return build_town


@pytest.fixture(scope="session")
def make_incidents():
    return random_incidents


@pytest.fixture(scope="session")
def town(make_town):
    return make_town(villages=3, seed=3)


@pytest.fixture(scope="session")
def plan(town):
    return planned(town)
