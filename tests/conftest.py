"""What several tests share: the sample town planned once, and the folder of real data, if it is there."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import matplotlib as mpl
import pytest
from hypothesis import settings

from gis_data.acting import actor
from gis_data.audit import locked
from gis_data.catalogue import language

mpl.use("Agg")
# A test's verdict must depend neither on how busy the machine is nor on the day's chance.
settings.register_profile("patient", deadline=None, derandomize=True)
settings.load_profile("patient")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(autouse=True)
def nothing_left_to_the_next_test() -> Iterator[None]:
    """Fail the test that leaves its language or its actor behind, not the one that happens to come after it."""
    before = language(), actor()
    yield
    assert (language(), actor()) == before


@pytest.fixture(autouse=True)
def begun_and_ended_on_one_day() -> None:
    """Let no test begin in the last minute of a day: of the station's, of this machine's, or of the log's."""
    for zone in (ZoneInfo("Asia/Shanghai"), None, UTC):
        now = datetime.now(zone)
        passed = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
        if timedelta(days=1) - passed <= timedelta(minutes=1):
            time.sleep((timedelta(days=1) - passed).total_seconds())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the checkout, or skip."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real data is not beside this checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def planned_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample town's workspace after the whole main job (made once for all processes; do not change it).

    ``XUNQU_TEST_TOWN`` may name a folder that already holds one, which saves a minute while working on a test.
    """
    ready = os.environ.get("XUNQU_TEST_TOWN")
    if ready:
        return Path(ready)
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each process has its own folder in the run's
        shared = shared.parent
    folder = shared / "station"
    with (shared / "station.lock").open("a+b") as file, locked(file):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that died over it
            folder.mkdir()
            _plan_sample(folder / "town")
            (folder / "done").touch()
    return folder / "town"


def _plan_sample(root: Path) -> None:
    from models import town_plan
    from views import sheets
    from views.basemap.tiles import ensure_tiles

    ws = town_plan.make_sample(root)
    sheets.print_all(ws, town_plan.plan_town(ws))
    ensure_tiles(ws)  # or each copy that is served draws them anew
