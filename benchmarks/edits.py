"""Edits by hand in a real Chromium: from the click to the new numbers, and what it costs the server.

``python -m benchmarks.edits TOWN`` serves a planned town by the real command and makes edits of each kind: a village
moved, a road closed, a checkpoint added. Seconds are from the click until the numbers beside the map are others and
the map has the answer.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.dashboard import chromium, served
from gis_data.catalogue import text

EDITS, WAIT_MS = 7, 300_000
UI = "[...document.querySelectorAll('*')].find((one) => one.shadowRoot?.querySelector('.xq-map')).shadowRoot.xunqu"
SECONDS = f"""async ([act, number]) => {{
    const ui = {UI}, tables = () => [...document.querySelectorAll("table")].map((one) => one.innerText).join();
    const before = tables(), steps = ui.steps, start = performance.now();
    const done = () => tables() !== before && {UI}.steps !== steps && !{UI}.sent;
    Function("ui", "number", act)(ui, number);
    while (!done()) {{
        if ({UI}.find(".xq-said").textContent) return -1;
        if (performance.now() - start > 20000) return -2;
        await new Promise((next) => setTimeout(next, 5));
    }}
    return (performance.now() - start) / 1000;
}}"""
ACTS = {  # what a click does, by the event that the map sends for it
    "zones": """
        const {units, zones, zone} = ui.mode, row = (5 + 4 * number) % units.length;
        ui.mode.chosen = new Set([row]);
        ui.mode.move(zones[(zone[row] + 1) % zones.length].id);""",
    "roads": """
        const {line} = ui.mode.roads[100 + 800 * number];
        line.fire("click", {originalEvent: new MouseEvent("click")});""",
    "checkpoints": """
        const {lat, lng} = ui.map.getCenter();
        ui.mode.visits.value = 1;
        ui.mode.ground({lat: lat + 0.004 * number, lng: lng + 0.001});""",
}
READY = {"roads": "canvas", "checkpoints": ".xq-place"}


def measure(root: Path, kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield one row a kind of edit."""
    with served(root) as (url, pid), chromium() as browser:
        for kind in kinds:
            yield {"edit": kind, **_edits(browser, url, pid, kind)}


def _edits(browser: Browser, url: str, pid: int, kind: str) -> dict[str, Any]:
    tab = browser.new_page(viewport={"width": 1366, "height": 768})
    tab.goto(url)
    title = text("page.edit.title")
    tab.locator("[data-testid=stSidebarNav]").get_by_role("link", name=title, exact=True).click(timeout=WAIT_MS)
    tab.wait_for_selector("path.xq-unit", state="attached", timeout=WAIT_MS)
    if kind in READY:
        tab.get_by_text(text(f"page.edit.modes.{kind}"), exact=True).last.click()
        tab.wait_for_selector(READY[kind], state="attached", timeout=WAIT_MS)
    tab.wait_for_timeout(3_000)
    found, before = [], _cpu_s(pid)
    for number in range(EDITS):
        found.append(tab.evaluate(SECONDS, [ACTS[kind], number]))
        tab.wait_for_timeout(500)
    made = [seconds for seconds in found if seconds > 0]
    spent = _cpu_s(pid) - before
    _take_back(tab, len(made))
    tab.close()
    if not made:
        return {"made": 0}
    return {"made": len(made), "median_s": round(float(np.median(made)), 2), "worst_s": round(max(made), 2),
            "server_cpu_s": round(spent / EDITS, 2)}  # fmt: skip


def _take_back(tab: Page, count: int) -> None:
    for _ in range(count):
        tab.locator("[data-do=undo]").click()
        tab.wait_for_timeout(300)


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and its threads have spent."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    for row in measure(Path(sys.argv[1]), ("zones", "roads", "checkpoints")):
        print(row, flush=True)
