"""The dashboard in a real Chromium: from a click to the new map, what travels, and what ten sessions cost the server.

``run()`` holds 100,000 incidents drawn by our layer (counts by cell and month on one canvas, slider included) against
the usual way, one folium circle each on a canvas; the incidents on both maps are summed and compared first.
``python -m benchmarks.dashboard TOWN`` measures a planned sample town as it is, and with 100,000 and 1,000,000
incidents drawn from its own (moved by up to 300 m, dates by up to a year), served by the real command.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from playwright.sync_api import Browser, Page, sync_playwright

from gis_data.catalogue import text
from gis_data.study import Study
from gis_data.workspace import Workspace
from views import server
from views.maps.frame import Sight, as_html
from views.maps.layers import lat_lon
from views.maps.month import month_map

SIZES = (0, 100_000, 1_000_000)  # 0: the town as it is
MOVED_M, SESSIONS, CLICKS = 300.0, 10, 5
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]  # fmt: skip
CRS, SIDE_M, POINTS = "EPSG:4549", 12_000, 100_000
DRAWN = "() => { const c = document.querySelector('canvas'); return c && c.width > 0; }"


def run() -> list[dict[str, Any]]:
    """Draw 100,000 incidents both ways and give the ratio of the times from page to picture, and of the pages."""
    rng = np.random.default_rng(8)
    xy = rng.uniform(0, SIDE_M, (POINTS, 2)) + np.array([480_000, 4_050_000])
    day = pd.Timestamp("2022-01-01", tz="Asia/Shanghai")
    points = gpd.GeoDataFrame(
        {"count": 1, "reported_at": day + pd.to_timedelta(rng.integers(0, 730, POINTS), unit="D")},
        geometry=gpd.points_from_xy(*xy.T), crs=CRS,
    )  # fmt: skip
    study = Study("town", shapely.box(480_000, 4_050_000, 480_000 + SIDE_M, 4_050_000 + SIDE_M), CRS, credit="")
    villages = gpd.GeoDataFrame({"name": []}, geometry=[], crs=CRS)
    ours = as_html(month_map(study, points, villages, {}, None, sight=Sight("bench")))
    town = folium.Map(lat_lon(points)[0], tiles=None, prefer_canvas=True, zoom_start=12)
    for at in lat_lon(points):
        folium.CircleMarker(at, radius=2, stroke=False, fill=True).add_to(town)
    theirs = town.get_root().render()
    theirs = _with_own_leaflet(theirs, ours)
    with chromium() as browser:
        ours_s, total = _shown(browser, ours, "() => Number(document.querySelector('.xq-months output').textContent"
                                              ".match(/([\\d,]+) /)[1].replaceAll(',', ''))")  # fmt: skip
        peer_s, circles = _shown(browser, theirs, "() => { let n = 0; Object.values(window).forEach((one) => {"
                                 " if (one instanceof L.CircleMarker) { n += 1; } }); return n; }")  # fmt: skip
    return [
        {
            "name": "dashboard_map", "peer": "one folium circle an incident, on a canvas",
            "size": f"{POINTS:,} incidents",
            "ratio": round(peer_s / ours_s, 2), "answers_equal": total == circles == POINTS,
            "ours_s": round(ours_s, 2), "peer_s": round(peer_s, 2), "page_ratio": round(len(theirs) / len(ours), 1),
        }
    ]  # fmt: skip


def _with_own_leaflet(page: str, ours: str) -> str:
    """Return folium's page with the Leaflet that ours carries in place of what it would fetch."""
    script = next(one for one in re.findall("<script>.*?</script>", ours, re.DOTALL) if "leafletjs.com" in one)
    kept = [line for line in page.splitlines() if "<link" not in line and 'src="http' not in line]
    return "\n".join(kept).replace("<head>", f"<head>{script}", 1)


def _shown(browser: Browser, page: str, count: str) -> tuple[float, int]:
    """Return the seconds until a page's canvas is painted, and the incidents that it holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.html"
        path.write_text(page, encoding="utf-8")
        tab = browser.new_page(viewport={"width": 1366, "height": 768})
        started = time.perf_counter()
        tab.goto(path.as_uri())
        tab.wait_for_function(DRAWN, timeout=600_000)
        tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seconds = time.perf_counter() - started
        found = int(tab.evaluate(count))
        tab.close()
    return seconds, found


# ---- the served town ----


def measure(town: Path) -> Iterator[dict[str, Any]]:
    """Yield one row a size: seconds, bytes and memory, measured in the browser against the real server."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = enlarged(town, Path(folder) / "town", size)
            with served(root) as (url, pid), chromium() as browser:
                yield {"incidents": size or "as it is", **_clicks(browser, url, pid), **_sessions(browser, url, pid)}


def enlarged(town: Path, root: Path, size: int) -> Path:
    """Copy a town and give it ``size`` incidents like its own."""
    shutil.copytree(town, root)
    if not size:
        return root
    ws, rng = Workspace.open(root), np.random.default_rng(4)
    old = ws.read("incidents")
    rows = old.iloc[rng.integers(0, len(old), size)].reset_index(drop=True)
    rows["incident_id"] = [f"B{number:07d}" for number in range(size)]
    rows["linked_id"] = ""
    later = pd.to_timedelta(rng.integers(-365, 1, size), unit="D")
    for name in ("reported_at", "occurred_from", "occurred_to", "arrived_at", "closed_at"):
        rows[name] = rows[name] + later
    there = ~rows.geometry.is_empty
    away = rng.uniform(-MOVED_M, MOVED_M, (2, size))
    moved = gpd.GeoSeries(gpd.points_from_xy(rows.geometry.x + away[0], rows.geometry.y + away[1]), crs=rows.crs)
    rows["geometry"] = rows.geometry.where(~there, moved)
    ws.write({"incidents": rows})
    return root


@contextmanager
def served(root: Path) -> Iterator[tuple[str, int]]:
    """Serve a workspace by the real command."""
    port = server.free_port(8830)
    command = [sys.executable, "-m", "views.command", "serve", str(root), "--port", str(port), "--no-browser"]
    environment = os.environ | {"PYTHONUTF8": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            assert server.wait_until_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.send_signal(signal.SIGINT)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser that the tests use."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def _clicks(browser: Browser, url: str, pid: int) -> dict[str, Any]:
    """Measure the first click on the incident map, later ones, a drag of the slider, and what travelled.

    Beside the seconds on the clock stand the server's CPU seconds, which other work on the machine hardly moves.
    """
    tab = browser.new_page(viewport={"width": 1366, "height": 768})
    travelled = {"bytes": 0}

    def note(frame: Any) -> None:  # noqa: ANN401 - text or bytes
        travelled["bytes"] += len(frame)

    tab.on("websocket", lambda socket: socket.on("framereceived", note))
    started = time.perf_counter()
    tab.goto(url)
    _finished(tab)
    opened_s = time.perf_counter() - started
    before, spent = travelled["bytes"], [cpu_s(pid)]
    first_s = _to_map(tab)
    _finished(tab)
    spent.append(cpu_s(pid))
    kilobytes = (travelled["bytes"] - before) / 1000
    later, later_cpu = [], []
    for _ in range(CLICKS):
        _open(tab, "zones")
        _finished(tab)
        started_cpu = cpu_s(pid)
        later.append(_to_map(tab))
        _finished(tab)
        later_cpu.append(cpu_s(pid) - started_cpu)
    frame = tab.wait_for_selector("iframe").content_frame()
    drag = frame.evaluate(
        "() => { const one = document.querySelector('.xq-months input'); const start = performance.now();"
        " one.value = 3; one.dispatchEvent(new Event('input')); return performance.now() - start; }"
    )
    heap = tab.evaluate("() => performance.memory.usedJSHeapSize / 1e6")
    tab.close()
    click_s, click_cpu_s = (round(float(np.median(seconds)), 2) for seconds in (later, later_cpu))
    return {"open_s": round(opened_s, 1), "open_cpu_s": round(spent[0], 1),
            "first_click_s": round(first_s, 2), "first_click_cpu_s": round(spent[1] - spent[0], 2),
            "click_s": click_s, "click_cpu_s": click_cpu_s,
            "slider_ms": round(drag, 1), "sent_kb": round(kilobytes), "heap_mb": round(heap)}  # fmt: skip


def _to_map(tab: Page) -> float:
    """Return the seconds from a click on the incident map's link until its incidents are painted."""
    started = time.perf_counter()
    _open(tab, "map")
    tab.locator(f'iframe[title="{text("page.map.map")}"]').wait_for(timeout=300_000)
    tab.wait_for_selector("iframe").content_frame().wait_for_function(DRAWN, timeout=300_000)
    return time.perf_counter() - started


def _open(tab: Page, name: str) -> None:
    title = text(f"page.{name}.title")
    tab.locator("[data-testid=stSidebarNav]").get_by_role("link", name=title, exact=True).click()


def _finished(tab: Page) -> None:
    tab.wait_for_selector("iframe", timeout=600_000)
    tab.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=600_000)


def _sessions(browser: Browser, url: str, pid: int) -> dict[str, Any]:
    """Measure the server's memory with one session, and with ten that all look at the map."""
    one = _memory_mb(pid)
    tabs = [browser.new_page() for _ in range(SESSIONS)]
    for tab in tabs:
        tab.goto(url)
        _finished(tab)
        _to_map(tab)
    ten = _memory_mb(pid)
    for tab in tabs:
        tab.close()
    return {"server_mb": round(one), "server_mb_10": round(ten)}


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process since it began."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


if __name__ == "__main__":
    for row in measure(Path(sys.argv[1])):
        print(row, flush=True)
