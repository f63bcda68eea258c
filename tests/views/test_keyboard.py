"""Every page on a tablet held upright, and by the keyboard alone, in a real Chromium.

Nothing is cut or out of sight; the first Tab leads past the list of pages, from there each stop is ringed, the last is
reached soon, and what the reader came to do is among them.
"""

import pytest
from playwright.sync_api import Page

from gis_data.catalogue import text

from .browsing import FINISHED, FOCUS, PAGES, WAIT_MS, follow, map_of, opened

pytestmark = pytest.mark.browser
TABLET = {"width": 820, "height": 1180}
MOST_STOPS = 45  # from the page's head to its foot; a map is no more than a dozen of them, whatever it shows
TO_DO = {  # what a page is opened for; the tiny station has no beats, and its page leads to where they are made
    "today": "page.data.title",
    "data": "page.upload.title",
    "map": "map.months.from",
    "patterns": "page.patterns.which",
    "hotspots": "page.hotspots.choose",
    "zones": "page.zones.why",
    "beats": "page.plans.title",
    "scorecard": "page.take.title",
    "adjust": "page.adjust.reckon",
    "edit": "page.edit.modes.zones",
    "cameras": "page.cameras.choose",
    "villages": "page.villages.choose",
    "plans": "page.plans.to.checked",
    "print": "page.print.all",
    "settings": "page.settings.save",
}
SETTLED_MS = 300
WITH_MAP = (*PAGES, "villages")
CUT = """() => {
    const wide = (one) => one.scrollWidth - one.clientWidth;
    const main = document.querySelector("[data-testid=stMain]");
    const metrics = "[data-testid=stMetricValue] *, [data-testid=stMetricLabel] *";
    const words = [...main.querySelectorAll(`${metrics}, button *, h2, h3`)];
    const cut = words.filter((one) => wide(one) > 1 && getComputedStyle(one).overflowX !== "visible");
    const narrow = [...main.querySelectorAll("iframe")].filter((one) => one.clientWidth < 560);
    return [wide(main), cut.map((one) => one.textContent), narrow.map((one) => one.title)];
}"""


def stops_of(page: Page) -> list[dict]:
    """Press Tab from the head of the page until it leaves the page."""
    page.get_by_role("button", name=text("app.skip")).focus()
    page.keyboard.press("Enter")
    stops = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop["left"]:
            return stops
        stops.append(stop)
    raise AssertionError(f"still on the page: {stops[-3:]}")


@pytest.fixture(scope="module")
def tablet(browser, address):
    with opened(browser, address) as page:
        page.set_viewport_size(TABLET)
        map_of(page)
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS)["words"] == text("app.skip"), "the first stop leads past the list of pages"
        yield page


@pytest.mark.parametrize("name", TO_DO)
def test_a_page_is_whole_on_a_tablet_and_done_by_the_keyboard(tablet: Page, name: str):
    follow(tablet, name)
    if name in WITH_MAP:
        map_of(tablet)
    tablet.wait_for_timeout(SETTLED_MS)  # a page asked for twice in a moment seems finished between the two
    tablet.wait_for_selector(FINISHED, timeout=WAIT_MS)
    assert tablet.evaluate(CUT) == [0, [], []]
    stops = stops_of(tablet)
    assert [stop["words"] for stop in stops if not stop["ringed"]] == []
    assert any(text(TO_DO[name]).split("{")[0] in stop["words"] for stop in stops), [s["words"] for s in stops]
    if name in WITH_MAP:
        assert any(text("map.legend") in stop["words"] for stop in stops if stop["inMap"]), "the map's panel"


def test_the_arrows_lead_from_one_shape_of_a_map_to_the_next(tablet: Page):
    follow(tablet, "zones")
    frame = map_of(tablet)
    stop = frame.locator(".xq-tells[tabindex='0']")
    assert stop.count() == 1
    first = stop.get_attribute("aria-label")
    stop.focus()
    tablet.keyboard.press("ArrowRight")
    assert stop.count() == 1
    second = frame.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert stop.get_attribute("aria-label") == second != first
    tablet.keyboard.press("Enter")
    assert second in frame.locator(".xq-card").inner_text(timeout=WAIT_MS)
    tablet.keyboard.press("Escape")
    tablet.keyboard.press("ArrowLeft")
    assert stop.get_attribute("aria-label") == first
