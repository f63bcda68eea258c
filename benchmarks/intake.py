"""Intake: a million rows of csv through the whole door, against pandas merely reading them with their times parsed.

The rows are the sample town's (those in WGS-84), drawn anew over ten years, each with a number of its own and its point
moved by some ten metres. Everything is done but the storing (``dry_run``): times, coordinates and their system,
classes, villages, duplicates, persons' numbers. Both sides run in a process of their own, whose memory, with
that of the processes that it starts, is looked at from outside. Memory is held against its limit at three million rows
too, read only and stored.

Before that the answers are compared, on fewer rows that are stored: rows per class and month, and per village, against
words, times and names looked up by pandas in the same csv.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SIZE, COMPARED, LARGE = 1_000_000, 20_000, 3_000_000
TIMES = ("BJSJ", "AFSJ", "FASJZZ", "DDXCSJ", "CLWBSJ")
LIMIT_MB = 2_000
PAIRS, LOOK_S = 5, 0.05  # how often each side runs; how often its memory is looked at
FIRST, YEARS = "2014-01-01", 10
SOURCE = "2023年1-6月警情导出.csv"


def make_csv(path: Path, raw: Path, size: int, *, seed: int = 0) -> None:
    """Write a csv of so many rows, drawn from one file of the sample town."""
    rng = np.random.default_rng(seed)
    truth = pd.read_csv(raw / "真值" / "逐条真值.csv", skiprows=1, dtype=str, keep_default_na=False)
    source = pd.read_csv(raw / SOURCE, skiprows=1, dtype=str, keep_default_na=False)
    in_wgs84 = (truth.loc[truth["文件"] == SOURCE, "坐标系"] == "wgs84").to_numpy()
    source = source[in_wgs84]
    rows = source.iloc[rng.integers(0, len(source), size)].reset_index(drop=True)
    at = pd.Timestamp(FIRST) + pd.to_timedelta(np.sort(rng.integers(0, YEARS * 365 * 1440, size)), unit="min")
    for name, minutes in zip(TIMES, (0, -30, -5, 15, 75), strict=True):
        rows[name] = np.where(rows[name] != "", (at + pd.Timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M"), "")
    rows["JJDBH"] = [
        f"379900{one}{n}" for one, n in zip(at.strftime("%y%m%d%H%M"), rng.integers(1000, 9999, size), strict=True)
    ]
    rows["GLJJDBH"] = ""
    for name in ("JD", "WD"):
        degrees = pd.to_numeric(rows[name], errors="coerce")
        moved = (degrees + rng.normal(0, 1e-4, size)).round(6).astype(str)
        rows[name] = rows[name].where(~degrees.between(30, 130), moved)
    rows.to_csv(path, index=False, encoding="utf-8-sig")


def make_town(folder: Path) -> tuple[Path, Path]:
    """Return the sample town's raw files, and a workspace that has its villages and its ground."""
    from gis_data.intake import make_workspace
    from gis_data.sample_town import write_sample

    raw = folder / "raw"
    write_sample(raw, seed=1)
    files = [raw / "村庄基本情况.xlsx", *raw.glob("*.osm")]
    make_workspace(folder / "town", files, name="bench", boundary=raw / "辖区边界.geojson")
    return raw, folder / "town"


def answers_equal(csv: Path, town: Path) -> bool:
    """Tell whether the classes and villages of a stored csv are those that pandas finds by words and names."""
    from gis_data.intake import import_files
    from gis_data.taxonomy import CLASSES, has_a_place
    from gis_data.workspace import Workspace

    ws = Workspace.open(town)
    import_files(ws, [csv])
    stored = ws.read("incidents")
    rows = pd.read_csv(csv, dtype=str, keep_default_na=False, encoding="utf-8-sig").iloc[stored["source_row"] - 2]
    by_word = {name[:2]: code for code, name in CLASSES.items()}
    classes = rows["BJLB"].str[:2].map(by_word) + rows["BJSJ"].str[:7]
    ours = stored["incident_class"] + stored["reported_at"].dt.strftime("%Y-%m")
    villages = ws.read("villages")
    names = villages.set_index("name")["village_id"]
    pattern = "(" + "|".join(sorted(names.index, key=len, reverse=True)) + ")"
    named = rows["AFDZ"].str.extract(pattern, expand=False).map(names)
    asked = has_a_place(stored).to_numpy() & named.notna().to_numpy()
    return bool(
        classes.value_counts().to_dict() == ours.value_counts().to_dict()
        and asked.sum() > len(stored) / 2
        and named[asked].value_counts().to_dict() == stored["village_id"][asked].value_counts().to_dict()
    )


def run(size: int = SIZE, pairs: int = PAIRS, large: int = LARGE) -> list[dict[str, Any]]:
    """Compare answers, then give the ratio of times by the wall (medians of several pairs), and the peak memory."""
    return [_times(size, pairs), _memory(large)]


def _times(size: int, pairs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, town = make_town(folder)
        make_csv(folder / "few.csv", raw, COMPARED, seed=1)
        make_csv(folder / "many.csv", raw, size)
        sides = ("ours", "peer")
        runs = [{side: _in_own_process(side, folder / "many.csv", town) for side in sides} for _ in range(pairs)]
        ours, peer = runs[0]["ours"], runs[0]["peer"]
        accounted = ours["read"] == peer["rows"] == ours["accepted"] + ours["set_aside"] + ours["refused"]
        equal = accounted and answers_equal(folder / "few.csv", town)
    wall, cpu, peak = (
        {side: statistics.median(one[side][name] for one in runs) for side in sides}
        for name in ("wall_s", "cpu_s", "peak_mb")
    )
    return {
        "name": "intake",
        "peer": "pandas.read_csv with dates",
        "size": f"{size} rows, {peak['ours']:.0f} MB in all processes (limit {LIMIT_MB} MB), "
        f"CPU {cpu['ours']:.1f} s and {cpu['peer']:.1f} s",
        "ratio": round(wall["peer"] / wall["ours"], 3),
        "answers_equal": bool(equal),
        "ours_s": round(wall["ours"], 2),
        "peer_s": round(wall["peer"], 2),
    }


def _memory(size: int) -> dict[str, Any]:
    """Hold the memory of very many rows against its limit; the answers are the account of the rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, town = make_town(folder)
        make_csv(folder / "many.csv", raw, size)
        read, stored = (_in_own_process(side, folder / "many.csv", town) for side in ("ours", "stored"))
    counts = ("read", "accepted", "set_aside", "refused")
    return {
        "name": "intake.memory",
        "peer": f"limit of {LIMIT_MB} MB",
        "size": f"{size} rows, {read['peak_mb']} MB in all processes, {stored['peak_mb']} MB with storing them",
        "ratio": round(LIMIT_MB / max(read["peak_mb"], stored["peak_mb"]), 3),
        "answers_equal": bool(read["read"] == size and all(read[one] == stored[one] for one in counts)),
        "ours_s": round(read["wall_s"], 2),
        "peer_s": None,
    }


def _in_own_process(side: str, csv: Path, town: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.intake", side, str(csv), str(town)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident_kb(process.pid))
            time.sleep(LOOK_S)
        assert process.stdout is not None
        told = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {**json.loads(told), "peak_mb": peak // 1000}


def _ours(csv: Path, town: Path, *, dry_run: bool = True) -> dict[str, Any]:
    from gis_data.intake import import_files
    from gis_data.workspace import Workspace

    ws = Workspace.open(town)
    started, by_the_wall = _cpu_s(), time.perf_counter()
    report = import_files(ws, [csv], dry_run=dry_run).files[0]
    seconds = _cpu_s() - started
    counts = {"read": report.rows_read, "accepted": report.accepted, "set_aside": report.set_aside}
    wall = time.perf_counter() - by_the_wall
    return {**counts, "refused": report.refused, "cpu_s": seconds, "wall_s": wall}


def _peer(csv: Path, _: Path) -> dict[str, Any]:
    started, by_the_wall = _cpu_s(), time.perf_counter()
    rows = len(pd.read_csv(csv, parse_dates=list(TIMES), encoding="utf-8-sig"))
    seconds, wall = _cpu_s() - started, time.perf_counter() - by_the_wall
    return {"rows": rows, "cpu_s": seconds, "wall_s": wall}


def _cpu_s() -> float:
    """Return the CPU seconds of this process, its threads and the processes that it has seen end."""
    return sum(os.times()[:4])


def _resident_kb(pid: int, parent: str = "") -> int:
    """Return the memory of a process and of all that it has started; 0 where the system does not tell.

    A process that has just been started shares its parent's memory until it becomes the program that was asked for.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        if command == parent:
            return 0
        status = Path(f"/proc/{pid}/status").read_text()
        children = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # no such system, or the process has just ended
        return 0
    own = sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return own + sum(_resident_kb(int(child), command) for some in children for child in some)


SIDES = {"ours": _ours, "stored": partial(_ours, dry_run=False), "peer": _peer}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in SIDES:
        print(json.dumps(SIDES[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        print(json.dumps(run(*map(int, sys.argv[1:2])), ensure_ascii=False))
