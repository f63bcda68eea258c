"""A real Chromium that can reach no other machine, and how a test finds its way through the dashboard with it."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Frame, Page, Request

from gis_data.catalogue import text

from .serving import served

PAGES = ("today", "data", "map", "patterns", "hotspots", "zones", "cameras")
WAIT_MS = 90_000  # no more than a limit: a machine with a dozen other things to do may need it
FINISHED = "[data-testid=stApp][data-test-script-state=notRunning]"
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]  # fmt: skip
DRAWN = {  # what must be drawn on each page's map besides tiles: at least one path of each class
    "today": ["xq-boundary", "xq-hotspot", "xq-zone-border"],
    "data": ["xq-boundary", "xq-moved"],
    "map": ["xq-boundary", "xq-hotspot", "xq-zone-border"],
    "patterns": ["xq-boundary", "xq-hot"],
    "hotspots": ["xq-boundary", "xq-hotspot"],
    "zones": ["xq-zone-area", "xq-zone-border"],
    "beats": ["xq-beat", "xq-zone-border"],
    "cameras": ["xq-boundary"],
    "unplanned": ["xq-boundary"],
}

FOCUS = """() => {
    let at = document.activeElement;
    while (at.shadowRoot?.activeElement) { at = at.shadowRoot.activeElement; }
    const inMap = at.tagName === "IFRAME" && at.contentDocument.activeElement !== at.contentDocument.body;
    if (inMap) { at = at.contentDocument.activeElement; }
    const look = at.ownerDocument.defaultView.getComputedStyle(at);
    const labels = [...(at.labels ?? [])].map((label) => label.textContent).join(" ");
    return {
        left: at.tagName === "BODY" || at.classList.contains("xq-skip"),
        words: `${at.getAttribute("aria-label") ?? ""} ${labels} ${at.textContent}`.trim(),
        ringed: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 1,
        inMap,
    };
}"""


@contextmanager
def copied(station: Path, folder: Path) -> Iterator[str]:
    """Serve a copy of a station."""
    root = folder / "town"
    shutil.copytree(station, root)
    with served(root, first_port=8770) as url:
        yield url


@contextmanager
def opened(browser: Browser, address: str, *, deep: bool = False) -> Iterator[Page]:
    """Open the dashboard, and judge at the end what went over the wire and into the console.

    ``deep``: a page's own address, below which Streamlit first asks whether a server lives there; no is the answer.
    """
    tab = patient(browser, width=1366, height=768)
    wrong: list[str] = []
    failed: list[Request] = []
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("requestfailed", lambda request: failed.append(request))  # playwright marks the function it is given
    tab.on("response", lambda answer: wrong.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
    tab.on("request", lambda request: wrong.append(f"outside: {request.url}") if not is_ours(request.url) else None)
    try:
        tab.goto(address)
        tab.wait_for_selector("[data-testid=stSidebarNav] a", timeout=WAIT_MS)
        yield tab
        wrong += [f"failed: {request.url} {request.failure}" for request in failed if not given_up(request)]
    finally:
        tab.close()
    asked = re.compile(r"404: http://127\.0\.0\.1:\d+/\w+/_stcore/(health|host-config)$|.*status of 404 \(Not Found\)$")
    told = [words for words in wrong if not (deep and asked.match(words))]
    assert not told, "\n".join(told)  # pytest explains no assertion of a module that holds no tests


def patient(browser: Browser, *, width: int, height: int, touch: bool = False) -> Page:
    """Open an empty page whose every click and look has the same limit."""
    tab = browser.new_page(viewport={"width": width, "height": height}, has_touch=touch)
    tab.set_default_timeout(WAIT_MS)
    return tab


def given_up(request: Request) -> bool:
    """Tell whether a map that was left, and is there no more, gave up what it was still fetching."""
    return request.failure == "net::ERR_ABORTED" and request.frame.is_detached()


def is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


def follow(page: Page, name: str, lang: str = "zh") -> None:
    title = text(f"page.{name}.title", lang=lang)
    page.locator("[data-testid=stSidebarNav]").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", level=2, name=title, exact=True).wait_for(timeout=WAIT_MS)


def go_to(page: Page, name: str, lang: str = "zh") -> Frame:
    """Open a page by its link and return its map once all its tiles are there."""
    map_of(page)  # the page that is left must have finished, or its tiles are given up
    follow(page, name, lang)
    page.locator(f'iframe[title="{text(f"page.{name}.map", lang=lang)}"]').wait_for(timeout=WAIT_MS)
    return map_of(page)


def speak(page: Page, lang: str) -> Frame:
    """Choose a language on the first page, and return the map once all is said in it."""
    page.get_by_text(text("app.language_name", lang=lang), exact=True).click()
    page.get_by_role("heading", level=2, name=text("page.today.title", lang=lang), exact=True).wait_for(timeout=WAIT_MS)
    page.locator(f'iframe[title="{text("page.today.map", lang=lang)}"]').wait_for(timeout=WAIT_MS)
    return map_of(page)


def map_of(page: Page) -> Frame:
    """Return the map once the page has finished, for until then an older map may still be there, and its tiles too."""
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    element = page.wait_for_selector("iframe", timeout=WAIT_MS)
    frame = element.content_frame()
    frame.wait_for_function(
        "() => document.querySelectorAll('img.leaflet-tile').length > 0 &&"
        " [...document.querySelectorAll('img.leaflet-tile')].every((tile) => tile.complete)",
        timeout=WAIT_MS,
    )
    return frame


def check_map(page: Page, frame: Frame, name: str, lang: str = "zh") -> None:
    box = page.locator("iframe").first.bounding_box()
    assert box["height"] > 300
    assert box["width"] > 500
    widths = frame.eval_on_selector_all("img.leaflet-tile", "tiles => tiles.map((tile) => tile.naturalWidth)")
    assert sum(width >= 256 for width in widths) >= 2  # drawn tiles, not only the transparent one
    assert min(widths) > 0
    height = frame.eval_on_selector(".leaflet-container", "town => town.clientHeight")
    assert height > 300
    for css in DRAWN[name]:
        shapes = frame.eval_on_selector_all(f"path.{css}", "all => all.map((path) => path.getBBox().width)")
        assert shapes, css
        assert max(shapes) > 5, css
    assert frame.locator(".xq-panel").is_visible()
    assert frame.locator(".leaflet-control-scale").inner_text().endswith("m")
    assert text("map.synthetic", lang=lang) in frame.locator(".xq-mark").inner_text()


def after_edits(page: Page, count: int) -> None:
    """Wait until the editing map has the answer to the last of so many edits."""
    page.locator(f".xq-edit[data-steps='{count}'][aria-busy=false]").wait_for(timeout=WAIT_MS)


def keep_edits(page: Page, reason: str) -> None:
    page.get_by_label(text("page.hand.reason")).fill(reason)
    page.get_by_label(text("page.hand.reason")).press("Enter")
    keep = page.locator("button:enabled", has_text=text("page.edit.keep"))
    insist = page.locator("[data-testid=stCheckbox] label")
    keep.or_(insist).first.wait_for(timeout=WAIT_MS)
    if insist.count():  # a village is cut off from its new post
        insist.click()
    keep.click(timeout=WAIT_MS)
    page.get_by_text(text("page.hand.recorded", reason=reason)).wait_for(timeout=2 * WAIT_MS)  # beats are made again
    after_edits(page, 0)
