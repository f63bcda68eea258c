"""Edits by hand in a real Chromium: from the click to the new numbers, and what it costs the server.

``python -m benchmarks.costs.edits TOWN [KIND...]`` serves a planned town by the real command, makes seven edits of
each kind, takes them back one by one and does them again. Cells are moved in a copy of the town whose busiest village
has more work than a zone may have, and is divided. Seconds are from the click until the map has the answer and the list
of edits, the page's last part, is another. What is refused (a house stands where a camera is put) is no edit: the next
place is tried.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from playwright.sync_api import Browser, Page

from benchmarks.dashboard import chromium, cpu_s, served
from gis_data.catalogue import text
from gis_data.workspace import Workspace
from models.town_plan import plan_town

EDITS, TRIES, WAIT_MS, PAUSE_MS = 7, 12, 300_000, 300
HEAVIER, SPREAD_M = 40, 150.0  # how many times the incidents of the village that is to be divided, and their spread
UI = "[...document.querySelectorAll('*')].find((one) => one.shadowRoot?.querySelector('.xq-map')).shadowRoot.xunqu"
SECONDS = f"""async ([act, number]) => {{
    const ui = {UI}, part = "[data-testid=stMain] ";
    const words = (css) => [...document.querySelectorAll(part + css)].map((one) => one.innerText).join();
    const pending = () => words("h3, [data-testid=stCaptionContainer]");
    const before = pending(), tables = words("table"), start = performance.now();
    Function("ui", "number", act)(ui, number);
    if (!ui.sent) return {{refused: "nothing was sent"}};
    while ({UI}.sent || pending() === before) {{
        const refused = !{UI}.sent && {UI}.find(".xq-said").textContent;
        if (refused) return {{refused}};
        if (performance.now() - start > 30000) return {{refused: "no answer in 30 s"}};
        await new Promise((next) => setTimeout(next, 5));
    }}
    return {{seconds: (performance.now() - start) / 1000, figures: words("table") !== tables}};
}}"""
UNLESS_FIXED = """
        const free = ui.mode.cameras.filter((one) => !one.fixed), camera = free[number % free.length];
        ui.mode.choose(camera.id);"""
ACTS = {  # what a click does, by the event that the map sends for it
    "zones": """
        const {units, zones, zone} = ui.mode, row = (5 + 4 * number) % units.length;
        ui.mode.chosen = new Set([row]);
        ui.mode.move(zones[(zone[row] + 1) % zones.length].id);""",
    "cells": """
        const {units, zones, zone} = ui.mode, free = units.flatMap((unit, row) => unit.fixed ? [] : [row]);
        const row = free[(3 * number) % free.length];
        ui.mode.chosen = new Set([row]);
        ui.mode.move(zones[(zone[row] + 1) % zones.length].id);""",
    "roads": """
        const {line} = ui.mode.roads[(100 + 800 * number) % ui.mode.roads.length];
        line.fire("click", {originalEvent: new MouseEvent("click")});""",
    "checkpoints": """  // on the beat with most minutes left but number, far from the points that are there
        const rows = [...document.querySelectorAll("[data-testid=stMain] table")].at(-1).querySelectorAll("tbody tr");
        const room = [...rows].map((row) => [...row.children].map((cell) => cell.innerText)).map(
            ([beat, , minutes, standing]) => [beat, Number(standing) - Number(minutes.split(" ").at(-1))]);
        const [name] = room.sort((a, b) => b[1] - a[1])[number % room.length];
        const beat = ui.mode.beats.find((one) => one.getTooltip().getContent() === name);
        const spots = beat.getLatLngs().map((line) => line[0]);
        const away = (spot) => Math.min(...ui.mode.points.map((point) => ui.map.distance(spot, point.at)));
        ui.mode.visits.value = 1;
        ui.mode.ground(spots.reduce((a, b) => away(a) > away(b) ? a : b));""",
    "cameras turned": UNLESS_FIXED + "ui.mode.change({azimuth: (camera.azimuth + 40) % 360});",
    "cameras moved": UNLESS_FIXED + """
        const [lat, lng] = camera.at, turn = 2.4 * number;
        ui.mode.change({at: [lat + 1e-4 * Math.cos(turn), lng + 1e-4 * Math.sin(turn)]});""",
    "cameras locked": UNLESS_FIXED + "ui.mode.send({kind: camera.by_hand ? 'unlock' : 'lock'});",
}  # fmt: skip
READY = {"zones": "path.xq-unit", "cells": "path.xq-unit", "roads": "canvas", "checkpoints": ".xq-place",
         "cameras": ".xq-cam"}  # fmt: skip


def measure(town: Path, kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield one row a kind of edit."""
    if whole := [kind for kind in kinds if kind != "cells"]:
        yield from _served(town, whole)
    if "cells" in kinds:
        with tempfile.TemporaryDirectory() as folder:
            yield from _served(_divided(town, Path(folder) / "town"), ["cells"])


def _served(root: Path, kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
    with served(root) as (url, pid), chromium() as browser:
        for kind in kinds:
            yield {"edit": kind, **_edits(browser, url, pid, kind)}


def _divided(town: Path, root: Path) -> Path:
    """Copy a town, give its busiest village more work than a zone may have, and plan zones with that one divided."""
    shutil.copytree(town, root)
    ws, rng = Workspace.open(root), np.random.default_rng(8)
    rows = ws.read("incidents")
    heavy = rows[rows["village_id"] == rows["village_id"].value_counts().index[0]]
    more = pd.concat([heavy] * HEAVIER, ignore_index=True)
    more["incident_id"] = [f"B{number:07d}" for number in range(len(more))]
    there = (~more.geometry.is_empty).to_numpy()
    away = rng.uniform(-SPREAD_M, SPREAD_M, (there.sum(), 2))
    more.loc[there, "geometry"] = shapely.points(shapely.get_coordinates(more.geometry[there]) + away)
    ws.write({"incidents": pd.concat([rows, more], ignore_index=True)})
    plans = plan_town(ws, ["zones", "beats", "scorecard"], changes={"zones": {"split_heavy": True, "tolerance": 0.4}})
    assert "parts" in plans["zones"].tables
    return root


def _edits(browser: Browser, url: str, pid: int, kind: str) -> dict[str, Any]:
    tab = browser.new_page(viewport={"width": 1366, "height": 768})
    tab.goto(url)
    title = text("page.edit.title")
    tab.locator("[data-testid=stSidebarNav]").get_by_role("link", name=title, exact=True).click(timeout=WAIT_MS)
    tab.wait_for_selector(READY["zones"], state="attached", timeout=WAIT_MS)
    mode = kind.split()[0]
    if mode != "zones":
        tab.get_by_text(text(f"page.edit.modes.{mode}"), exact=True).last.click()
        tab.wait_for_function(f"() => {UI}.name === '{mode}'", timeout=WAIT_MS)
        tab.wait_for_selector(READY[mode], state="attached", timeout=WAIT_MS)
    tab.wait_for_timeout(3_000)
    before = cpu_s(pid)
    made, refused = _made(tab, ACTS[kind])
    spent = cpu_s(pid) - before
    undone, redone = (
        [_once(tab, f"ui.send({{kind: '{what}'}})", 0) for _ in made] for what in ("undo", "redo")
    )  # fmt: skip
    tab.close()
    back = [one["seconds"] for one in (*undone, *redone)]
    return {
        "made": len(made), "refused": refused, "figures_changed": sum(one["figures"] for one in made),
        **_summary("edit", [one["seconds"] for one in made]), **_summary("undo_redo", back),
        "server_cpu_s": round(spent / (len(made) + len(refused)), 2),
    }  # fmt: skip


def _made(tab: Page, act: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Make edits at one place after the other; return those that were made, and why others were not."""
    made: list[dict[str, Any]] = []
    refused: list[str] = []
    while len(made) < EDITS and len(refused) < TRIES:
        done = _once(tab, act, len(made) + len(refused))
        if "seconds" in done:
            made.append(done)
        else:
            refused.append(done["refused"])
    return made, refused


def _once(tab: Page, act: str, number: int) -> dict[str, Any]:
    done: dict[str, Any] = tab.evaluate(SECONDS, [act, number])
    tab.wait_for_timeout(PAUSE_MS)
    return done


def _summary(name: str, seconds: list[float]) -> dict[str, float]:
    return {f"{name}_median_s": round(float(np.median(seconds)), 2), f"{name}_worst_s": round(max(seconds), 2)}


if __name__ == "__main__":
    for row in measure(Path(sys.argv[1]), sys.argv[2:] or tuple(ACTS)):
        print(row, flush=True)
