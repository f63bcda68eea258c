"""Editing by hand on the map, in a real Chromium: each change shows its figures at once, and goes back and forth.

What is kept, is kept with its reason and stands in the log.
"""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from gis_data.catalogue import text

from .browsing import FINISHED, FOCUS, WAIT_MS, after_edits, follow, keep_edits, map_of, opened

pytestmark = pytest.mark.browser
EDIT_TILES_THERE = """() => {
    const host = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".xq-map"));
    const tiles = [...(host?.shadowRoot.querySelectorAll("img.leaflet-tile") ?? [])];
    return tiles.length > 0 && tiles.every((tile) => tile.complete);
}"""
UI = "[...document.querySelectorAll('*')].find((one) => one.shadowRoot?.querySelector('.xq-map')).shadowRoot.xunqu"
LONGEST_ROAD = f"""() => {{
    const {{map, mode}} = {UI}, metres = ({{line}}) => {{
        const at = line.getLatLngs();
        return at.slice(1).reduce((sum, point, k) => sum + point.distanceTo(at[k]), 0);
    }};
    const line = mode.roads.reduce((a, b) => metres(a) > metres(b) ? a : b).line;
    map.setView(line.getCenter(), 15, {{animate: false}});
    return Object.values(map.latLngToContainerPoint(line.getCenter()));
}}"""
FREE_ON_A_BEAT = f"""() => {{  // where a road begins, as far from the checkpoints that are there as any
    const {{map, mode}} = {UI}, taken = mode.points.map((point) => map.latLngToContainerPoint(point.at));
    const room = (spot) => Math.min(...taken.map((point) => spot.distanceTo(point)));
    const spots = mode.beats.flatMap((beat) => beat.getLatLngs()).map((line) => map.latLngToContainerPoint(line[0]));
    return Object.values(spots.reduce((a, b) => room(a) > room(b) ? a : b));
}}"""


@pytest.mark.slow
def test_a_village_is_moved_on_the_map_taken_back_and_done_again(browser: Browser, town_address: str):
    with opened(browser, town_address) as page:
        map_of(page)
        follow(page, "edit")
        after_edits(page, 0)
        figures = page.locator("table", has_text=text("page.hand.figure.gap"))
        changed = figures.get_by_text(text("page.hand.column.after"))
        before = figures.inner_text()
        picked = page.locator("path.xq-picked")
        press_where_the_map_ends_below_the_window(page)
        expect(picked).to_have_count(1, timeout=WAIT_MS)
        page.keyboard.press("Escape")
        expect(picked).to_have_count(0, timeout=WAIT_MS)
        page.locator(".xq-map").focus()
        page.keyboard.press("Enter")  # a click at the cross in the middle of the map
        expect(picked).to_have_count(1, timeout=WAIT_MS)
        page.keyboard.press("Escape")
        expect(picked).to_have_count(0, timeout=WAIT_MS)
        page.locator("path.xq-unit").nth(10).dispatch_event("click")
        expect(picked).to_have_count(1, timeout=WAIT_MS)
        page.locator(".xq-targets button:enabled").first.click()
        after_edits(page, 1)
        changed.wait_for(timeout=WAIT_MS)
        after = figures.inner_text()
        assert page.locator(".xq-note").count() == 1
        page.keyboard.press("Control+z")
        after_edits(page, 0)
        changed.wait_for(state="hidden", timeout=WAIT_MS)
        expect(figures).to_have_text(before, timeout=WAIT_MS, use_inner_text=True)
        page.locator("[data-do=redo]").click()
        after_edits(page, 1)
        expect(figures).to_have_text(after, timeout=WAIT_MS, use_inner_text=True)


def press_where_the_map_ends_below_the_window(page: Page) -> None:
    """Press the middle of the map for the first time: the page must not scroll under the pointer for it."""
    box = page.locator(".xq-map").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    whole = page.viewport_size
    assert whole is not None
    page.set_viewport_size({"width": whole["width"], "height": int(middle[1]) + 40})
    page.mouse.click(*middle)
    page.set_viewport_size(whole)


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what has the focus is called by these words."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS)["words"].startswith(words):
            return
    raise AssertionError(f"Tab does not lead to {words}")


@pytest.mark.slow
def test_a_village_is_moved_and_kept_by_the_keyboard_alone(browser: Browser, town_address: str):
    with opened(browser, town_address) as page:
        map_of(page)
        tab_to(page, text("page.edit.title"))
        page.keyboard.press("Enter")
        after_edits(page, 0)
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        tab_to(page, text("app.skip"))
        page.keyboard.press("Enter")
        tab_to(page, text("edit_map.zones.choose"))
        for _ in range(4):
            page.keyboard.press("ArrowDown")
        picked = page.locator("path.xq-picked")
        assert picked.count() == 0
        page.keyboard.press("Enter")
        expect(picked).to_have_count(1, timeout=WAIT_MS)
        name, zone = page.evaluate(f"""() => {{
            const {{units, zones, zone, chosen}} = {UI}.mode, row = [...chosen][0];
            return [units[row].name, zones.map(({{id}}) => id).find((id) => id !== zones[zone[row]].id)]; }}""")
        tab_to(page, zone)
        page.keyboard.press("Enter")
        after_edits(page, 1)
        page.get_by_text(text("page.edit.pending", count=1)).wait_for(timeout=WAIT_MS)
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        if page.locator("[data-testid=stCheckbox]").count():  # it cuts a village off
            tab_to(page, text("page.hand.insist"))
            page.keyboard.press("Space")
            page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        tab_to(page, text("page.hand.reason"))
        page.keyboard.type("keys alone")
        page.keyboard.press("Enter")
        page.locator("button:enabled", has_text=text("page.edit.keep")).wait_for(timeout=WAIT_MS)
        tab_to(page, text("page.edit.keep"))
        page.keyboard.press("Enter")
        page.get_by_text(text("page.hand.recorded", reason="keys alone")).wait_for(timeout=2 * WAIT_MS)
        after_edits(page, 0)
        now = page.evaluate(
            f"""(name) => {{
            const {{units, zones, zone}} = {UI}.mode;
            return zones[zone[units.findIndex((unit) => unit.name === name)]].id; }}""",
            name,
        )
        assert now == zone
        in_the_log(page, "keys alone")


def open_edits(page: Page, mode: str) -> None:
    map_of(page)
    follow(page, "edit")
    after_edits(page, 0)
    page.wait_for_function(EDIT_TILES_THERE, timeout=WAIT_MS)
    page.get_by_text(text(f"page.edit.modes.{mode}"), exact=True).last.click()


def click_map(page: Page, at: list[float]) -> None:
    page.locator(".xq-map").scroll_into_view_if_needed()
    box = page.locator(".xq-map").bounding_box()
    page.mouse.click(box["x"] + at[0], box["y"] + at[1])


def in_the_log(page: Page, reason: str) -> None:
    follow(page, "plans")
    page.get_by_text(text("page.plans.tab.log"), exact=True).last.click()
    page.locator("table", has_text=reason).first.wait_for(timeout=WAIT_MS)


@pytest.mark.slow
def test_units_are_drawn_round_and_moved_together(browser: Browser, town_address: str):
    with opened(browser, town_address) as page:
        open_edits(page, "zones")
        page.locator("[data-do=lasso]").click()
        box = page.locator(".xq-map").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(middle[0] - 70, middle[1] - 50)
        page.mouse.down()
        for east, south in ((70, -50), (70, 50), (-70, 50)):
            page.mouse.move(middle[0] + east, middle[1] + south, steps=4)
        page.mouse.up()
        page.locator("path.xq-picked").nth(2).wait_for(timeout=WAIT_MS)
        inside = page.evaluate(f"""() => {{
            const {{map, mode}} = {UI}, box = map.getSize();
            return mode.units.filter(({{at}}) => {{
                const {{x, y}} = map.latLngToContainerPoint(at);
                return Math.abs(x - box.x / 2) < 69 && Math.abs(y - box.y / 2) < 49;
            }}).length; }}""")
        assert page.locator("path.xq-picked").count() == pytest.approx(inside, abs=1)
        page.locator(".xq-targets button:enabled").first.click()
        after_edits(page, 1)
        figures = page.locator("table", has_text=text("page.hand.figure.gap"))
        figures.get_by_text(text("page.hand.column.after")).wait_for(timeout=WAIT_MS)
        page.locator("[data-do=undo]").click()
        after_edits(page, 0)


@pytest.mark.slow
def test_a_road_is_closed_by_a_click_kept_and_opened_by_another(browser: Browser, town_address: str):
    with opened(browser, town_address) as page:
        open_edits(page, "roads")
        page.locator(".xq-map canvas").first.wait_for(timeout=WAIT_MS)
        spot = page.evaluate(LONGEST_ROAD)
        work = page.locator("table", has_text=text("edit_map.load.hours"))
        closed = page.locator("table", has_text=text("page.edit.closed_column.reason"))
        before = work.inner_text()
        click_map(page, spot)
        after_edits(page, 1)
        expect(work).not_to_have_text(before, timeout=WAIT_MS, use_inner_text=True)
        after = work.inner_text()
        expect(closed).to_contain_text(text("page.edit.closed_column.unkept"), timeout=WAIT_MS)
        page.locator("[data-do=undo]").click()
        after_edits(page, 0)
        expect(work).to_have_text(before, timeout=WAIT_MS, use_inner_text=True)
        expect(closed).to_have_count(0, timeout=WAIT_MS)
        page.locator("[data-do=redo]").click()
        after_edits(page, 1)
        expect(work).to_have_text(after, timeout=WAIT_MS, use_inner_text=True)
        keep_edits(page, "桥面维修")
        expect(closed).to_contain_text("桥面维修", timeout=WAIT_MS)
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        page.wait_for_function(f"() => {UI}.mode.closed.size === 1", timeout=WAIT_MS)
        kept = work.inner_text()
        click_map(page, page.evaluate(LONGEST_ROAD))
        after_edits(page, 1)
        expect(closed).to_have_count(0, timeout=WAIT_MS)
        expect(work).not_to_have_text(kept, timeout=WAIT_MS, use_inner_text=True)
        page.locator("[data-do=undo]").click()
        after_edits(page, 0)
        in_the_log(page, "桥面维修")


@pytest.mark.slow
def test_a_checkpoint_is_added_by_a_click_and_is_in_the_log(browser: Browser, town_address: str):
    with opened(browser, town_address) as page:
        open_edits(page, "checkpoints")
        page.locator(".xq-place").first.wait_for(timeout=WAIT_MS)
        mine = page.locator(".xq-square")
        had = mine.count()
        page.locator(".xq-tools input[type=text]").fill("桥头")
        click_map(page, page.evaluate(FREE_ON_A_BEAT))
        after_edits(page, 1)
        expect(mine).to_have_count(had + 1, timeout=WAIT_MS)
        beats = page.locator("table", has_text=text("edit_map.beat.minutes"))
        expect(beats.first).to_contain_text("→", timeout=WAIT_MS)
        page.locator("[data-do=undo]").click()
        after_edits(page, 0)
        expect(mine).to_have_count(had, timeout=WAIT_MS)
        expect(beats.first).not_to_contain_text("→", timeout=WAIT_MS)
        page.locator("[data-do=redo]").click()
        after_edits(page, 1)
        expect(mine).to_have_count(had + 1, timeout=WAIT_MS)
        keep_edits(page, "群众要求")
        expect(mine).to_have_count(had + 1, timeout=WAIT_MS)
        in_the_log(page, "群众要求")


@pytest.mark.slow
def test_a_camera_is_turned_goes_back_from_where_it_may_not_be_and_stays_where_it_may(
    browser: Browser, town_address: str
):
    with opened(browser, town_address) as page:
        map_of(page)
        page.get_by_text("English", exact=True).click()
        follow(page, "edit", "en")
        after_edits(page, 0)
        page.wait_for_function(EDIT_TILES_THERE, timeout=WAIT_MS)  # tiles that are left are given up
        page.get_by_text(text("page.edit.modes.cameras", lang="en"), exact=True).last.click()
        page.locator(".xq-cam").first.wait_for(timeout=WAIT_MS)
        page.locator(".xq-tools select").first.select_option(index=1)
        handle = page.locator(".xq-handle")
        drag(page, handle, -20, 40)
        after_edits(page, 1)
        figures = page.locator("table", has_text=text("edit_map.village.private", lang="en"))
        figures.get_by_text(text("page.hand.column.after", lang="en")).wait_for(timeout=WAIT_MS)
        camera = page.locator(".xq-cam", has=page.locator("circle[r='10.6']"))
        stood = on_the_map(page, camera)
        drag(page, camera, -120, 95)  # into the fields
        page.locator(".xq-edit .xq-said", has_text=text("error.cameras.hand.outside", metres="40", lang="en")).wait_for(
            timeout=WAIT_MS
        )
        after_edits(page, 1)
        assert on_the_map(page, camera) == pytest.approx(stood, abs=1)
        shown = figures.text_content()
        drag(page, camera, 14, 0)  # some forty metres along the street, where it may be
        after_edits(page, 2)
        expect(figures).not_to_have_text(shown, timeout=WAIT_MS)
        assert on_the_map(page, camera) == pytest.approx((stood[0] + 14, stood[1]), abs=3)
        page.get_by_text(text("page.edit.pending", count=2, lang="en")).wait_for(timeout=WAIT_MS)
        page.locator("[data-do=undo]").click()
        after_edits(page, 1)
        expect(figures).to_have_text(shown, timeout=WAIT_MS)
        assert on_the_map(page, camera) == pytest.approx(stood, abs=1)


def on_the_map(page: Page, what: Locator) -> tuple[float, float]:
    box, whole = what.bounding_box(), page.locator(".xq-map").bounding_box()
    return box["x"] - whole["x"], box["y"] - whole["y"]


def drag(page: Page, what: Locator, east_px: float, south_px: float) -> None:
    what.scroll_into_view_if_needed()  # waits until it stands still: the map may be moving
    box = what.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + east_px, y + south_px, steps=5)
    page.mouse.up()
