"""A tiny town with finished plans: six villages between a river and a crossroads, made by hand, planned in no time."""

from pathlib import Path

import pytest

from gis_data.tables import TABLES
from gis_data.workspace import Workspace
from models.store import save_plans
from models.town_plan import prepare_ground

from .tiny_plans import tiny_plans
from .tiny_town import CRS, study, tiny_tables


@pytest.fixture(scope="session")
def tiny_station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with records, cells and four plans (do not change it)."""
    ws = tiny_workspace(tmp_path_factory.mktemp("tiny") / "town")
    prepare_ground(ws)
    save_plans(ws, tiny_plans(ws), run="20240701T080000")
    return ws.root


@pytest.fixture(scope="session")
def unplanned_station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with records and no plans."""
    return tiny_workspace(tmp_path_factory.mktemp("unplanned") / "town").root


@pytest.fixture(scope="session")
def empty_station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace without any records."""
    return Workspace.create(tmp_path_factory.mktemp("empty") / "town", study()).root


def tiny_workspace(root: Path) -> Workspace:
    ws = Workspace.create(root, study())
    ws.write({name: TABLES[name].conform(frame, crs=CRS) for name, frame in tiny_tables().items()})
    return ws
