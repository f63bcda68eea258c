"""What a person sees, in a real Chromium that can reach no other machine.

Every page must show its map with our own tiles, its zones and its points, without a console error, a failed request,
or one request to another host; and speak the language asked for.
"""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from analysis.compare import poisson_interval
from gis_data.catalogue import LANGUAGES, text

from .browsing import FINISHED, PAGES, WAIT_MS, check_map, follow, go_to, map_of, opened, speak

pytestmark = pytest.mark.browser
PLANNED = PAGES[4:]
TOO_WIDE_PX = """() => [...document.querySelectorAll(".xq-scroll")].filter((one) => one.checkVisibility())
    .map((one) => one.scrollWidth - one.clientWidth)"""


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sample_town_after_the_main_job_is_shown_on_every_page(browser: Browser, town_address: str, lang: str):
    with opened(browser, town_address) as page:
        map_of(page)
        speak(page, lang)
        for name in (*PAGES[1:], "beats", PAGES[0]):
            check_map(page, go_to(page, name, lang), name, lang)
        follow(page, "scorecard", lang)
        page.get_by_text(text("page.scorecard.part.feedback", lang=lang), exact=True).click()
        page.locator("[data-testid=stVegaLiteChart] .marks").nth(1).wait_for(timeout=WAIT_MS)  # two audits


@pytest.mark.slow
def test_the_main_figures_fit_an_upright_tablet_and_the_stations_screen(browser: Browser, town_address: str):
    """In English, whose words are longer."""
    for address in ("", "scorecard", "hotspots", "beats"):
        with opened(browser, f"{town_address}/{address}?lang=en&part=found", deep=True) as page:
            page.locator(".xq-scroll:visible").first.wait_for(timeout=WAIT_MS)
            page.wait_for_selector(FINISHED, timeout=WAIT_MS)
            for width, height in ((768, 1024), (1366, 768)):
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_function(f"() => innerWidth === {width}", timeout=WAIT_MS)
                page.wait_for_timeout(300)  # a table that fits now may still be laid out anew
                with suppress(PlaywrightTimeout):
                    page.wait_for_function(f"() => new Set(({TOO_WIDE_PX})()).size === 1", timeout=WAIT_MS)
                assert set(page.evaluate(TOO_WIDE_PX)) == {0}, address


@pytest.mark.parametrize(("name", "known"), [("today", True), ("xyz", False)])
def test_an_address_that_nobody_knows_is_today_with_a_word_of_ours(
    browser: Browser, address: str, name: str, known: bool
):
    for lang in LANGUAGES:
        with opened(browser, f"{address}/{name}?lang={lang}", deep=True) as page:
            map_of(page)
            expect(page.get_by_role("heading", level=2)).to_have_text(
                text("page.today.title", lang=lang), timeout=WAIT_MS
            )
            ours = page.get_by_text(text("app.no_page", lang=lang), exact=True)
            expect(ours).to_have_count(int(not known), timeout=WAIT_MS)
            assert page.get_by_role("dialog").count() == 0  # Streamlit's own words
            titles = page.locator("[data-testid=stSidebarNav] a").all_inner_texts()
            assert titles.count(text("page.today.title", lang=lang)) == 1
            follow(page, "data", lang)
            expect(ours).to_have_count(0, timeout=WAIT_MS)


def test_incidents_are_painted_on_a_canvas(page: Page):
    go_to(page, "hotspots").wait_for_function(
        """() => {
            const c = document.querySelector("canvas");
            const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
            return data.filter((share, i) => i % 4 === 3 && share).length > 100;
        }""",
        timeout=WAIT_MS,
    )


def test_months_are_dragged_and_the_view_stands_in_the_address_for_a_colleague(browser: Browser, address: str):
    with opened(browser, address) as page:
        frame = go_to(page, "map")
        said = frame.locator(".xq-months output")
        expect(said).to_contain_text("2023年1月 – 2023年12月", timeout=WAIT_MS)
        frame.locator(".xq-months input").first.fill("11")  # the range's own event, as dragging it sends
        expect(said).to_contain_text(re.compile("^2023年12月："), timeout=WAIT_MS)
        december = said.inner_text()
        frame.locator(".xq-panel input").nth(1).uncheck()
        frame.locator(".leaflet-control-zoom-in").click()
        page.wait_for_function("() => location.search.includes('map=') && location.search.includes('11-11')")
        sent = page.url
    with opened(browser, sent, deep=True) as colleague:
        frame = map_of(colleague)
        expect(frame.locator(".xq-months output")).to_have_text(december, timeout=WAIT_MS)
        expect(frame.locator(".xq-panel input").nth(1)).not_to_be_checked(timeout=WAIT_MS)


def test_what_is_chosen_on_a_page_is_there_for_a_colleague_who_gets_its_address(browser: Browser, address: str):
    with opened(browser, address) as page:
        go_to(page, "zones")
        page.get_by_role("combobox", name=text("page.zones.why")).click()
        page.get_by_role("option", name="集上", exact=True).click()
        page.wait_for_function("() => location.search.includes('unit=V5')", timeout=WAIT_MS)
        sent = page.url
    with opened(browser, sent, deep=True) as colleague:
        map_of(colleague)
        expect(colleague.get_by_role("combobox", name=text("page.zones.why"))).to_have_value("集上", timeout=WAIT_MS)
    asked = f"{address}/patterns?days=2023-03-01..2023-05-31&unit=never"
    with opened(browser, asked, deep=True) as colleague:
        map_of(colleague)
        said = colleague.locator("[data-testid=stMain]")
        expect(said).to_contain_text("2023-03-01 – 2023-05-31", timeout=WAIT_MS, use_inner_text=True)
        colleague.get_by_text(text("page.patterns.part.changed"), exact=True).click()
        colleague.get_by_role("combobox", name=text("page.patterns.unit")).wait_for(timeout=WAIT_MS)
        colleague.wait_for_function("() => !location.search.includes('unit=')", timeout=WAIT_MS)  # not known: ignored


def test_two_spans_move_together_and_are_compared(page: Page):
    go_to(page, "map")
    page.get_by_text(text("page.map.modes.two"), exact=True).click()
    page.locator("iframe").nth(1).wait_for(timeout=WAIT_MS)
    map_of(page)
    maps = [element.content_frame() for element in page.locator("iframe").element_handles()]
    scale = [frame.locator(".leaflet-control-scale-line").first for frame in maps]
    page.wait_for_function("() => document.querySelectorAll('iframe').length === 2")
    before = scale[1].inner_text()
    for _ in range(2):
        was = scale[0].inner_text()
        maps[0].locator(".leaflet-control-zoom-in").click()
        expect(scale[0]).not_to_have_text(was, timeout=WAIT_MS)
    expect(scale[1]).to_have_text(scale[0].inner_text(), timeout=WAIT_MS)
    assert scale[1].inner_text() != before
    assert page.get_by_text(text("scorecard.word.none")).count() >= 1


def test_a_map_in_a_tab_opened_later_is_fitted_to_its_town_then(page: Page):
    scale = ".leaflet-control-scale-line"
    shown = go_to(page, "zones").locator(scale).first.inner_text()
    page.evaluate(
        """() => {
            const copy = document.querySelector("iframe").cloneNode();
            const {width, height} = document.querySelector("iframe").getBoundingClientRect();
            copy.style.cssText = `width: ${width}px; height: ${height}px; position: fixed; top: 0; display: none`;
            copy.id = "later";
            document.body.append(copy);
        }"""
    )
    later = page.frame_locator("#later").locator(scale).first
    later.wait_for(state="attached", timeout=WAIT_MS)
    assert later.text_content() != shown  # no size yet: as close as it gets
    page.evaluate("() => { document.querySelector('#later').style.display = 'block'; }")
    expect(later).to_have_text(shown, timeout=WAIT_MS)


def test_a_way_is_measured(page: Page):
    frame = go_to(page, "zones")
    frame.locator(".xq-tool").click()
    town = frame.locator(".leaflet-container")
    town.click(position={"x": 200, "y": 250})
    town.click(position={"x": 320, "y": 250})
    metres = frame.locator(".xq-length").inner_text(timeout=WAIT_MS)
    scale = frame.locator(".leaflet-control-scale-line").first
    across, length = scale.bounding_box()["width"], scale.inner_text()

    def as_metres(words: str) -> float:
        number, unit = words.split()
        return float(number) * {"km": 1000, "m": 1}[unit]

    assert as_metres(metres) == pytest.approx(120 / across * as_metres(length), rel=0.03)
    assert frame.locator(".xq-card").is_hidden()  # while measuring a click means the way


def test_a_cell_that_is_not_hot_and_a_dot_tell_their_numbers_when_clicked(page: Page):
    frame = go_to(page, "patterns")
    town, card = frame.locator(".leaflet-container"), frame.locator(".xq-card")
    box = town.bounding_box()
    town.click(position={"x": box["width"] * 0.3, "y": box["height"] * 0.5})
    expect(card).to_contain_text(text("page.patterns.column.fewest"), timeout=WAIT_MS)
    assert frame.locator(".xq-because li").count() >= 1
    assert frame.locator("path.xq-cell").count() == 1
    frame.locator(".xq-close").click()
    expect(frame.locator("path.xq-cell")).to_have_count(0, timeout=WAIT_MS)
    frame = go_to(page, "map")
    said = frame.wait_for_function(ON_THE_FIRST_DOT, timeout=WAIT_MS).json_value()
    count, low, high = (int(number.replace(",", "")) for number in said)
    exact = poisson_interval(count)
    assert (low, high) == (round(float(exact[0])), round(float(exact[1])))


ON_THE_FIRST_DOT = """() => {  // where the canvas is painted most, which no shape covers
    const canvas = document.querySelector("canvas.xq-incidents"), pen = canvas.getContext("2d");
    const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    const town = document.querySelector(".leaflet-container"), corner = town.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    for (let y = 80; y < canvas.height - 80; y += 3) {
        for (let x = 80; x < canvas.width - 300; x += 3) {
            if (!data[4 * (y * canvas.width + x) + 3]) { continue; }
            const at = {clientX: corner.left + x / ratio, clientY: corner.top + y / ratio, bubbles: true};
            document.elementFromPoint(at.clientX, at.clientY).dispatchEvent(new MouseEvent("click", at));
            const card = document.querySelector(".xq-card");
            const cells = [...card.querySelectorAll("td:last-child")].map((cell) => cell.textContent);
            if (!card.hidden && cells.length === 3) { return [cells[1], ...cells[2].split("–")]; }
        }
    }
    return null;
}"""


def test_a_layer_leaves_and_comes_back_with_its_box(page: Page):
    frame = go_to(page, "zones")
    zones = frame.locator("path.xq-zone-area")
    count = zones.count()
    box = frame.locator(".xq-panel input").first
    assert count > 0
    box.uncheck()
    expect(zones).to_have_count(0, timeout=WAIT_MS)
    box.check()
    expect(zones).to_have_count(count, timeout=WAIT_MS)


def test_a_zone_tells_its_numbers_when_clicked(page: Page):
    frame = go_to(page, "zones")
    frame.locator("path.xq-zone-area").first.evaluate(
        "path => path.dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    card = frame.locator(".xq-card")
    expect(card).to_contain_text(text("map.tip.workload"), timeout=WAIT_MS)
    expect(card).to_contain_text("–", timeout=WAIT_MS)
    frame.locator("path.xq-unit").first.focus()
    page.keyboard.press("Enter")  # without a mouse: a village, why it is there, and the numbers of its zone
    expect(card).to_contain_text(text("map.tip.to_post"), timeout=WAIT_MS)
    assert frame.locator(".xq-because li").count() == 2
    page.keyboard.press("Escape")
    expect(card).to_be_hidden(timeout=WAIT_MS)


def test_a_village_shows_cameras_views_and_entrances(page: Page):
    go_to(page, "cameras")
    page.locator("[data-testid=stSelectbox] input").click()
    page.get_by_role("option").nth(1).click()
    village = page.frame_locator("iframe").first  # looked up anew each time: the town's map gives way to a village's
    for css, least in (("path.xq-view", 1), (".xq-sign svg", 2), ("path.xq-ground", 2)):
        village.locator(css).nth(least - 1).wait_for(timeout=WAIT_MS)


def test_the_language_switch_changes_every_heading(page: Page):
    map_of(page)
    for lang in (*reversed(LANGUAGES), *LANGUAGES[1:]):
        frame = speak(page, lang)
        expect(frame.locator(".xq-panel")).to_contain_text(text("map.legend", lang=lang), timeout=WAIT_MS)
    for name in PAGES[1:]:
        go_to(page, name, lang="en")


def test_chinese_is_spoken_until_english_is_asked_for(page: Page):
    map_of(page)
    assert page.get_by_role("heading", level=2).inner_text() == "今日"
    page.get_by_text("English", exact=True).click()
    page.get_by_role("heading", level=2, name="Today", exact=True).wait_for(timeout=WAIT_MS)
    map_of(page)


def test_pages_without_plans_say_what_to_do_first(browser: Browser, unplanned_address: str):
    with opened(browser, unplanned_address) as page:
        check_map(page, map_of(page), "unplanned")
        assert page.get_by_text(text("agenda.plan.first")).is_visible()
        for name in PLANNED:
            follow(page, name)
            page.get_by_text(f"plan town {name}").wait_for(timeout=WAIT_MS)
            expect(page.locator("iframe")).to_have_count(0, timeout=WAIT_MS)  # that of the page before goes at its end
