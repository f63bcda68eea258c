"""What a page must keep on a tablet held upright, and whose words it speaks: measured in a real browser.

Contrast is WCAG's (2.2, 1.4.3: 4.5 to 1 for small letters); what a finger presses is 40 pixels high.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from gis_data.catalogue import text

from .browsing import FINISHED, WAIT_MS, map_of, patient

pytestmark = pytest.mark.browser
PAGES = ("today", "zones", "scorecard", "edit", "plans", "settings")
PALE = """() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const part = rgb[i] / 255;
        return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    }, 0);
    const over = (top, below, share) => below.map((part, i) => top[i] * share + part * (1 - share));
    const opacity = (element) => element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
    const ground = (element) => {
        if (!element) return [255, 255, 255];
        const [r, g, b, a = 1] = parts(getComputedStyle(element).backgroundColor);
        return a === 0 ? ground(element.parentElement) : over([r, g, b], ground(element.parentElement), a);
    };
    const pale = [];
    for (const element of document.querySelectorAll("[data-testid=stMain] *")) {
        const texts = [...element.childNodes].filter((one) => one.nodeType === 3);
        const words = texts.map((one) => one.data.trim()).join("");
        if (!words || !element.checkVisibility({visibilityProperty: true}) || element.closest(":disabled")) continue;
        const [r, g, b, a = 1] = parts(getComputedStyle(element).color);
        const share = a * opacity(element), below = ground(element);
        if (!share) continue;
        const [high, low] = [luminance(over([r, g, b], below, share)), luminance(below)].sort((x, y) => y - x);
        if ((high + 0.05) / (low + 0.05) < 4.5) pale.push(words);
    }
    return pale;
}"""
LOW = """() => [...document.querySelectorAll(
        "[data-testid=stMain] button, [data-testid=stMain] summary, [data-testid=stPageLink] a, .xq-bar select")]
    .filter((one) => one.checkVisibility() && !one.closest("label") && one.getBoundingClientRect().height < 39.5)
    .map((one) => one.innerText || one.getAttribute("aria-label"))"""
COVERED = """() => [...document.querySelectorAll("h2, [data-testid=stPopoverButton], [data-testid=stPopover] button")]
    .filter((one) => {
        const {left, top, width, height} = one.getBoundingClientRect();
        return !one.contains(document.elementFromPoint(left + width - 4, top + height / 2));
    }).map((one) => one.innerText)"""


@pytest.fixture(scope="module")
def tablet(browser: Browser, address: str) -> Iterator[Page]:
    page = patient(browser, width=768, height=1024, touch=True)
    page.goto(address)
    map_of(page)
    yield page
    page.close()


def shown(page: Page, address: str, name: str) -> Page:
    page.goto(f"{address}/{'' if name == 'today' else name}")
    page.get_by_role("heading", level=2, name=text(f"page.{name}.title"), exact=True).wait_for(timeout=WAIT_MS)
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    return page


@pytest.mark.parametrize("name", PAGES)
def test_nothing_on_a_tablet_is_pale_low_or_covered(tablet: Page, address: str, name: str):
    page = shown(tablet, address, name)
    page.wait_for_function(f"() => ({COVERED})().length === 0", timeout=WAIT_MS)
    with suppress(PlaywrightTimeout):  # what comes or goes is pale for a moment
        page.wait_for_function(f"() => ({PALE})().length === 0", timeout=5_000)
    assert page.evaluate(PALE) == []
    assert page.evaluate(LOW) == []
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth - main.clientWidth") == 0


def test_streamlits_own_words_are_the_catalogues(tablet: Page, address: str):
    said = "(element, which) => getComputedStyle(element, which).content"
    page = shown(tablet, address, "settings")
    reason = page.get_by_label(text("page.settings.reason"))
    reason.fill("abc")
    hint = page.locator("[data-testid=InputInstructions] span").first
    assert hint.evaluate(said, "::before") == f'"{text("widget.enter")}"'
    assert hint.evaluate("element => getComputedStyle(element).fontSize") == "0px"
    page = shown(tablet, address, "zones")
    village = page.get_by_role("combobox", name=text("page.zones.why"))
    village.click()
    village.fill("zzz")
    nothing = page.locator("[role=listbox] [role=option] span")
    expect(nothing).to_have_count(1, timeout=WAIT_MS)
    assert nothing.evaluate(said, "::before") == f'"{text("widget.no_match")}"'
    assert nothing.evaluate("element => getComputedStyle(element).fontSize") == "0px"
    zoom = map_of(page).locator(".leaflet-control-zoom a").all()
    assert [one.get_attribute("title") for one in zoom] == [text("map.tool.zoom_in"), text("map.tool.zoom_out")]
