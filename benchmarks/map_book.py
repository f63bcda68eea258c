"""The map book of a city: memory of 10, 20 and 40 zones, bound a few pages at a time or set all at once.

The city is the sample town seven times, side by side, every zone with its roads, houses, beats and checkpoints. Each
book is made in a process of its own that has read the city; what its peak memory is above that is the book's. Both
books must say the same words on the same pages. ``python -m benchmarks.map_book TOWN`` takes a planned town.
"""

import datetime
import json
import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pandas as pd
import pypdfium2

from benchmarks import timed
from gis_data.workspace import Workspace
from models import town_plan
from models.plan import Plan
from models.store import load_plans
from views.sheets import binding, map_book
from views.sheets.desk import Desk
from views.sheets.zone_sheet import GROUND

ZONES, COPIES, ACROSS, APART_M = (10, 20, 40), 7, 3, (15_500.0, 13_000.0)
WAYS = ("bound", "all at once")
NAMES = "东南西北上中下"


def run() -> list[dict[str, Any]]:
    """Make the books and give the ratio of the memory that they take."""
    with TemporaryDirectory() as folder:
        ws = town_plan.make_sample(Path(folder) / "town")
        town_plan.plan_town(ws)
        return list(measure(ws.root))


def measure(town: Path) -> Iterator[dict[str, Any]]:
    """Yield one row a number of zones: the book's megabytes and seconds, both ways."""
    with TemporaryDirectory() as folder:
        city = Path(folder) / "city.pickle"
        city.write_bytes(pickle.dumps(_city(town)))
        for zones in ZONES:
            ours, theirs = (_in_own_process(city, zones, way) for way in WAYS)
            yield {
                "name": "map_book", "peer": "the same pages set all at once", "size": f"{zones} zones",
                "ratio": round(theirs["book_mb"] / ours["book_mb"], 2),
                "answers_equal": ours.pop("words") == theirs.pop("words"), "ours_s": ours["cpu_s"],
                "peer_s": theirs["cpu_s"], **ours, "peer_book_mb": theirs["book_mb"], "peer_file_mb": theirs["file_mb"],
            }  # fmt: skip


def _in_own_process(city: Path, zones: int, way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.map_book", str(city), str(zones), way]
    done: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return done


def _make(city: Path, zones: int, way: str) -> dict[str, Any]:
    desk = _first(pickle.loads(city.read_bytes()), zones)  # noqa: S301 - our own file
    if way == "all at once":
        binding.LOT = 10_000
    path = city.with_name(f"{zones} {way}.pdf")
    before = _rss_mb()
    _, seconds = timed(lambda: map_book.write_map_book(desk, path))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with pypdfium2.PdfDocument(path) as book:
        words = ["".join(sorted(page.get_textpage().get_text_range())) for page in book]
    return {
        "cpu_s": round(seconds, 1), "book_mb": round(peak_mb - before), "peak_mb": round(peak_mb),
        "file_mb": round(path.stat().st_size / 1e6, 1), "pages": len(words), "words": words,
    }  # fmt: skip


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# ---- a city of towns ----


City = tuple[Any, dict[str, Any], dict[str, tuple[dict[str, Any], dict[str, Any]]]]


def _city(town: Path) -> City:
    """Return the study, the ground's tables, and tables and settings of each plan, of the whole city."""
    ws = Workspace.open(town)
    plans = {name: plan for name, plan in Desk.of(ws, load_plans(ws)).plans.items() if name != "options"}
    many = {name: {key: _many(table) for key, table in plan.tables.items()} for name, plan in plans.items()}
    return ws.study, {name: _many(ws.read(name)) for name in (*GROUND, "incidents")}, {
        name: (tables, dict(plans[name].settings)) for name, tables in many.items()
    }  # fmt: skip


def _many(table: pd.DataFrame) -> Any:  # noqa: ANN401 - a frame, or a geo frame
    return pd.concat([_moved(table, copy) for copy in range(COPIES)], ignore_index=True)


def _moved(table: pd.DataFrame, copy: int) -> pd.DataFrame:
    """Return a town's table as its copy's: other ids and names, other ground."""
    east, north = copy % ACROSS * APART_M[0], copy // ACROSS * APART_M[1]
    moved = table.copy()
    for column in table.columns:
        if column in ("zone_id", "beat_id", "checkpoint_id"):
            moved[column] = table[column].str.replace(r"^Z(\d+)", lambda m: f"Z{int(m[1]) + 6 * copy}", regex=True)
        elif column.endswith("_id") and pd.api.types.is_string_dtype(table[column]):
            moved[column] = table[column] + f"-{copy}"
        elif column == "name":
            moved[column] = NAMES[copy] + table[column].where(table[column] != "", "路")
        elif column in ("x", "centre_x", "post_x"):
            moved[column] = table[column] + east
        elif column in ("y", "centre_y", "post_y"):
            moved[column] = table[column] + north
    return moved.set_geometry(table.translate(east, north)) if isinstance(table, gpd.GeoDataFrame) else moved


def _first(city: City, zones: int) -> Desk:
    """Return the desk of a city of which the first zones are planned."""
    study, ground, made = city
    known = made["zones"][0]["zones"]["zone_id"].head(zones)
    plans = {}
    for name, (tables, settings) in made.items():
        kept = {key: one[one["zone_id"].isin(known)] if "zone_id" in one else one for key, one in tables.items()}
        plans[name] = Plan(name, kept, settings, seed=1, seconds=0.0)
    ws: Any = SimpleNamespace(study=study)
    return Desk(ws, plans, "0" * 64, datetime.date(2024, 3, 1), dict(ground))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        for row in measure(Path(sys.argv[1])):
            print(json.dumps(row, ensure_ascii=False), flush=True)
    else:
        print(json.dumps(_make(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
