"""A tiny town with finished plans: six villages between a river and a crossroads, made by hand, planned in no time.

And a real browser, with the addresses where copies of towns are served for it.
"""

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.components.v2 import manifest_scanner

from gis_data.tables import TABLES
from gis_data.workspace import Workspace
from models.store import save_plans
from models.town_plan import prepare_ground

from .browsing import ARGUMENTS, copied, opened
from .tiny_plans import tiny_plans
from .tiny_town import CRS, study, tiny_tables


@pytest.fixture(scope="session", autouse=True)
def packages_looked_through_once() -> Iterator[None]:
    """Let Streamlit look for components once: its test runner reads for each page what every package says of itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("under CI the browser tests may not be skipped: install chromium")
        pytest.skip("Chromium is not installed here (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tiny_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with copied(tiny_station, tmp_path_factory.mktemp("tiny")) as url:
        yield url


@pytest.fixture(scope="module")
def unplanned_address(unplanned_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with copied(unplanned_station, tmp_path_factory.mktemp("unplanned")) as url:
        yield url


@pytest.fixture(scope="module")
def town_address(planned_town: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with copied(planned_town, tmp_path_factory.mktemp("sample")) as url:
        yield url


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as tab:
        yield tab
