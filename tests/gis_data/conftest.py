"""A station as it begins: a boundary and nothing else."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis_data.intake import new_workspace
from gis_data.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    boundary = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(119.80, 36.60, 119.88, 36.68)], crs=4326).to_file(boundary)
    return new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)
