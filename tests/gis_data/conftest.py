"""A station as it begins, with a boundary and nothing else; and one whose villages are known."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis_data.intake import import_files, new_workspace
from gis_data.workspace import Workspace
from tests.gis_data.made_rows import SQUARE, village_lines, write_xlsx


@pytest.fixture
def boundary(tmp_path: Path) -> Path:
    path = tmp_path / "辖区边界.geojson"
    gpd.GeoSeries([shapely.box(*SQUARE)], crs=4326).to_file(path)
    return path


@pytest.fixture
def ws(tmp_path: Path, boundary: Path) -> Workspace:
    return new_workspace(tmp_path / "town", name="禾川镇", boundary=boundary)


@pytest.fixture
def town(ws: Workspace, tmp_path: Path) -> Workspace:
    import_files(ws, [write_xlsx(tmp_path / "村庄.xlsx", ("村庄", village_lines()))])
    return ws
