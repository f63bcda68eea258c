"""What a person sees, in a real Chromium that can reach no other machine.

Every page must show its map with our own tiles, its zones and its points, without a console error, a failed request,
or one request to another host; and speak the language asked for.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, expect, sync_playwright

from gis_data.catalogue import LANGUAGES, text

from .serving import served

pytestmark = pytest.mark.browser
REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("today", "data", "map", "patterns", "hotspots", "zones", "cameras")
PLANNED = PAGES[4:]
WAIT_MS = 30_000
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("under CI the browser tests may not be skipped: install chromium")
        pytest.skip("Chromium is not installed here (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextmanager
def copied(station: Path, folder: Path) -> Iterator[str]:
    """Serve a copy of a station."""
    root = folder / "town"
    shutil.copytree(station, root)
    with served(root, first_port=8770) as url:
        yield url


@pytest.fixture(scope="module")
def address(tiny_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with copied(tiny_station, tmp_path_factory.mktemp("tiny")) as url:
        yield url


@pytest.fixture(scope="module")
def unplanned_address(unplanned_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with copied(unplanned_station, tmp_path_factory.mktemp("unplanned")) as url:
        yield url


@pytest.fixture(scope="module")
def town_address(planned_town: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with copied(planned_town, tmp_path_factory.mktemp("sample")) as url:
        yield url


@contextmanager
def opened(browser: Browser, address: str, *, deep: bool = False) -> Iterator[Page]:
    """Open the dashboard, and judge at the end what went over the wire and into the console.

    ``deep``: a page's own address, below which Streamlit first asks whether a server lives there; no is the answer.
    """
    tab = browser.new_page(viewport={"width": 1366, "height": 768})
    wrong: list[str] = []
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("requestfailed", lambda request: wrong.append(f"failed: {request.url} {request.failure}"))
    tab.on("response", lambda answer: wrong.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
    tab.on("request", lambda request: wrong.append(f"outside: {request.url}") if not is_ours(request.url) else None)
    try:
        tab.goto(address)
        tab.wait_for_selector("[data-testid=stSidebarNav] a", timeout=WAIT_MS)
        yield tab
    finally:
        tab.close()
    asked = re.compile(r"404: http://127\.0\.0\.1:\d+/\w+/_stcore/(health|host-config)$|.*status of 404 \(Not Found\)$")
    assert [words for words in wrong if not (deep and asked.match(words))] == []


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as tab:
        yield tab


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


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_its_map_of_our_own_tiles(page: Page, name: str):
    check_map(page, go_to(page, name), name)


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


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sample_town_after_the_main_job_is_shown_on_every_page(browser: Browser, town_address: str, lang: str):
    with opened(browser, town_address) as page:
        map_of(page)
        page.get_by_text(text("app.language_name", lang=lang), exact=True).click()
        for name in (*PAGES[1:], "beats", PAGES[0]):
            check_map(page, go_to(page, name, lang), name, lang)
        follow(page, "scorecard", lang)
        page.locator("[data-testid=stVegaLiteChart] .marks").nth(2).wait_for(timeout=WAIT_MS)  # a funnel, two audits
        cut = "e => e.scrollWidth - e.clientWidth"
        tables = page.locator(".xq-scroll:visible").all()
        assert [table.evaluate(cut) for table in tables][:2] == [0, 0], "columns out of sight"


def test_incidents_are_painted_on_a_canvas(page: Page):
    frame = go_to(page, "hotspots")
    painted = frame.eval_on_selector(
        "canvas",
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 3 && _).length",
    )
    assert painted > 100


def test_months_are_dragged_and_the_view_stands_in_the_address_for_a_colleague(browser: Browser, address: str):
    with opened(browser, address) as page:
        frame = go_to(page, "map")
        said = frame.locator(".xq-months output")
        whole = said.inner_text()
        assert "2023年1月 – 2023年12月" in whole
        frame.locator(".xq-months input").first.fill("11")  # the range's own event, as dragging it sends
        december = said.inner_text()
        assert december.startswith("2023年12月：")
        frame.locator(".xq-panel input").nth(1).uncheck()
        frame.locator(".leaflet-control-zoom-in").click()
        page.wait_for_function("() => location.search.includes('map=') && location.search.includes('11-11')")
        sent = page.url
    with opened(browser, sent, deep=True) as colleague:
        frame = map_of(colleague)
        assert frame.locator(".xq-months output").inner_text() == december
        assert not frame.locator(".xq-panel input").nth(1).is_checked()


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
        assert "2023-03-01 – 2023-05-31" in colleague.locator("[data-testid=stMain]").inner_text()
        assert "unit=" not in colleague.url  # what is not known is ignored


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
        maps[0].locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(300)
    assert scale[0].inner_text() == scale[1].inner_text() != before
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
    metres = frame.locator(".xq-length").inner_text()
    scale = frame.locator(".leaflet-control-scale-line").first
    across, length = scale.bounding_box()["width"], scale.inner_text()

    def as_metres(words: str) -> float:
        number, unit = words.split()
        return float(number) * {"km": 1000, "m": 1}[unit]

    assert as_metres(metres) == pytest.approx(120 / across * as_metres(length), rel=0.03)
    assert frame.locator(".xq-card").is_hidden()  # while measuring a click means the way


def test_a_layer_leaves_and_comes_back_with_its_box(page: Page):
    frame = go_to(page, "zones")
    zones = frame.locator("path.xq-zone-area")
    count = zones.count()
    box = frame.locator(".xq-panel input").first
    box.uncheck()
    assert zones.count() == 0
    box.check()
    assert zones.count() == count > 0


def test_a_zone_tells_its_numbers_when_clicked(page: Page):
    frame = go_to(page, "zones")
    frame.locator("path.xq-zone-area").first.evaluate(
        "path => path.dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    said = frame.locator(".xq-card").inner_text(timeout=WAIT_MS)
    assert text("map.tip.workload") in said
    assert "–" in said
    frame.locator("path.xq-unit").first.focus()
    page.keyboard.press("Enter")  # without a mouse: a village, why it is there, and the numbers of its zone
    said = frame.locator(".xq-card").inner_text(timeout=WAIT_MS)
    assert text("map.tip.to_post") in said
    assert frame.locator(".xq-because li").count() == 2
    page.keyboard.press("Escape")
    assert frame.locator(".xq-card").is_hidden()


def test_a_village_shows_cameras_views_and_entrances(page: Page):
    go_to(page, "cameras")
    page.locator("[data-testid=stSelectbox] input").click()
    page.get_by_role("option").nth(1).click()
    village = page.frame_locator("iframe").first  # looked up anew each time: the town's map gives way to a village's
    village.locator("path.xq-view").first.wait_for(timeout=WAIT_MS)
    assert village.locator("path.xq-view").count() >= 1
    assert village.locator(".xq-sign svg").count() >= 2
    assert village.locator("path.xq-ground").count() >= 2


def test_the_language_switch_changes_every_heading(page: Page):
    map_of(page)
    for lang in (*reversed(LANGUAGES), *LANGUAGES[1:]):
        page.get_by_text(text("app.language_name", lang=lang), exact=True).click()
        page.get_by_role("heading", level=2, name=text("page.today.title", lang=lang), exact=True).wait_for(
            timeout=WAIT_MS
        )
        page.locator(f'iframe[title="{text("page.today.map", lang=lang)}"]').wait_for(timeout=WAIT_MS)
        frame = map_of(page)
        assert text("map.legend", lang=lang) in frame.locator(".xq-panel").inner_text()
    for name in PAGES[1:]:
        go_to(page, name, lang="en")


def test_the_scorecard_downloads_as_a_spreadsheet(page: Page):
    map_of(page)
    follow(page, "scorecard")
    with page.expect_download(timeout=WAIT_MS) as waiting:
        page.get_by_text(text("page.take.title"), exact=True).click()
        page.get_by_text(text("page.download.scorecard"), exact=True).click()
    assert waiting.value.suggested_filename.endswith(".xlsx")
    book = openpyxl.load_workbook(BytesIO(Path(waiting.value.path()).read_bytes()))
    assert book.worksheets[0]["A1"].value == text("scorecard.title", town="禾川镇")
    assert "200 (173.2–229.7)" in [cell.value for row in book.worksheets[0] for cell in row]


def test_the_quality_report_downloads_as_a_spreadsheet_and_as_one_page(page: Page):
    go_to(page, "data")
    page.get_by_text(text("page.take.title"), exact=True).click()
    for name, head in {"quality_xlsx": b"PK", "quality_pdf": b"%PDF"}.items():
        with page.expect_download(timeout=WAIT_MS) as waiting:
            page.get_by_text(text(f"page.download.{name}"), exact=True).click()
        assert waiting.value.suggested_filename == text(f"sheet.file_{name}")
        assert Path(waiting.value.path()).read_bytes().startswith(head)


def test_a_file_is_chosen_looked_at_imported_and_reported(browser: Browser, tiny_station: Path, tmp_path: Path):
    file = tmp_path / "警情2024.csv"
    file.write_text(
        "报警时间,警情类别,警情细类,所属村庄,经度,纬度,处警民警\n"
        "2024-01-03 08:10,治安警情,打架斗殴,集上,120.0335,36.8182,张三\n"
        ",刑事警情,盗窃,集上,120.0341,36.8175,李四\n",
        encoding="gb18030",
    )
    with copied(tiny_station, tmp_path) as url, opened(browser, url) as page:
        check_map(page, go_to(page, "data"), "data")
        page.locator("[data-testid=stExpander] summary").click()
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_text("警情2024.csv（警情，2 行）").wait_for(timeout=WAIT_MS)
        understood = f"警情类别（{text('page.upload.how.exact')}）"
        page.locator("[data-testid=stSelectbox] label").get_by_text(understood, exact=True).wait_for(timeout=WAIT_MS)
        page.get_by_text("2024-01-03 08:10").wait_for(timeout=WAIT_MS)
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)  # only now can it be said what is not shown
        assert page.get_by_text("张三").count() == 0
        page.get_by_text(text("page.upload.import", count=1), exact=True).click()
        page.get_by_text("读入 2 行 = 接受 1 + 搁置 1 + 拒绝 0").wait_for(timeout=WAIT_MS)
        page.locator("[data-testid=stMetricValue]", has_text="407").wait_for(timeout=WAIT_MS)
        check_map(page, map_of(page), "data")


def test_a_file_that_nobody_knows_is_shown_with_twenty_rows_and_a_choice_for_every_column(page: Page, tmp_path: Path):
    file = tmp_path / "台账.csv"
    rows = "".join(f"2024-01-{day:02d} 08:1{day % 10},盗窃{day},张三\n" for day in range(1, 26))
    file.write_text("来电时刻,事情小类,值班人\n" + rows, encoding="gb18030")
    go_to(page, "data")
    page.locator("[data-testid=stExpander] summary").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text(text("page.upload.unknown")).wait_for(timeout=WAIT_MS)
    page.get_by_role("combobox", name=text("page.upload.table")).click()
    page.get_by_role("option", name=text("page.table.incidents"), exact=True).click()
    for name in ("来电时刻", "事情小类", "值班人"):
        label = f"{name}（{text('page.upload.how.left_out')}）"
        page.locator("[data-testid=stSelectbox] label").get_by_text(label, exact=True).wait_for(timeout=WAIT_MS)
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    assert page.get_by_role("cell", name="盗窃20", exact=True).count() == 1
    assert page.get_by_role("cell", name="盗窃21", exact=True).count() == 0
    assert page.get_by_text("张三").count() == 0


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
            assert page.locator("iframe").count() == 0


EDIT_TILES_THERE = """() => {
    const host = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".xq-map"));
    const tiles = [...(host?.shadowRoot.querySelectorAll("img.leaflet-tile") ?? [])];
    return tiles.length > 0 && tiles.every((tile) => tile.complete);
}"""


def after_edits(page: Page, count: int) -> None:
    """Wait until the editing map has the answer to the last of so many edits."""
    page.locator(f".xq-edit[data-steps='{count}'][aria-busy=false]").wait_for(timeout=WAIT_MS)


@pytest.mark.slow
def test_a_village_is_moved_on_the_map_taken_back_done_again_and_kept_with_a_reason(
    browser: Browser, town_address: str
):
    with opened(browser, town_address) as page:
        map_of(page)
        follow(page, "edit")
        after_edits(page, 0)
        figures = page.locator("table", has_text=text("page.hand.figure.gap"))
        changed = figures.get_by_text(text("page.hand.column.after"))
        before = figures.inner_text()
        page.locator(".xq-map").focus()
        page.keyboard.press("Enter")  # a click at the cross in the middle of the map
        assert page.locator("path.xq-picked").count() == 1
        page.keyboard.press("Escape")
        assert page.locator("path.xq-picked").count() == 0
        page.locator("path.xq-unit").nth(10).dispatch_event("click")
        assert page.locator("path.xq-picked").count() == 1
        page.locator(".xq-targets button:enabled").first.click()
        after_edits(page, 1)
        changed.wait_for(timeout=WAIT_MS)
        after = figures.inner_text()
        assert page.locator(".xq-note").count() == 1
        page.keyboard.press("Control+z")
        after_edits(page, 0)
        changed.wait_for(state="hidden", timeout=WAIT_MS)
        assert figures.inner_text() == before
        page.locator("[data-do=redo]").click()
        after_edits(page, 1)
        changed.wait_for(timeout=WAIT_MS)
        assert figures.inner_text() == after
        keep_edits(page, "走访后调整")


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


def keep_edits(page: Page, reason: str) -> None:
    page.get_by_label(text("page.hand.reason")).fill(reason)
    page.get_by_label(text("page.hand.reason")).press("Enter")
    page.wait_for_selector(FINISHED, timeout=WAIT_MS)
    if page.locator("[data-testid=stCheckbox]").count():  # a village is cut off from its new post: we insist
        page.locator("[data-testid=stCheckbox] label").click()
    page.get_by_role("button", name=text("page.edit.keep")).click()
    page.get_by_text(text("page.hand.recorded", reason=reason)).wait_for(timeout=2 * WAIT_MS)  # beats are made again
    after_edits(page, 0)


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
def test_a_planners_week_from_a_dirty_file_to_a_printed_sheet(browser: Browser, town_address: str, tmp_path: Path):
    file = tmp_path / "本周警情.csv"
    file.write_text(
        "报警时间,警情类别,警情细类,所属村庄,经度,纬度\n"
        ",治安警情,打架斗殴,镇东村,120.03,36.81\n"
        "2024-01-03 08:10,刑事警情,盗窃,370283199001011234,120.03,36.81\n",
        encoding="gb18030",
    )
    with opened(browser, town_address) as page:
        map_of(page)
        follow(page, "data")
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        page.locator("[data-testid=stExpander] summary").first.click()
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_text(text("page.upload.import", count=1), exact=True).click(timeout=WAIT_MS)
        page.get_by_text("读入 2 行 = 接受 0 + 搁置 1 + 拒绝 1").wait_for(timeout=WAIT_MS)
        frame = go_to(page, "hotspots")
        frame.locator("path.xq-hotspot").first.dispatch_event("click")
        assert frame.locator(".xq-because li").count() >= 1
        follow(page, "edit")
        after_edits(page, 0)
        changed = page.locator("table", has_text=text("page.hand.figure.gap")).get_by_text(
            text("page.hand.column.after")
        )
        page.locator("path.xq-unit").nth(20).dispatch_event("click")
        page.locator(".xq-targets button:enabled").first.click()
        after_edits(page, 1)
        changed.wait_for(timeout=WAIT_MS)
        keep_edits(page, "周会决定")
        follow(page, "plans")
        page.wait_for_selector(FINISHED, timeout=WAIT_MS)
        note = page.get_by_role("textbox", name=re.compile("说明|理由")).first
        note.fill("周会核对")
        note.press("Enter")
        page.get_by_role("button", name=text("page.plans.to.checked")).click()
        page.get_by_role("button", name=text("page.plans.to.approved")).click(timeout=WAIT_MS)
        page.get_by_text(text("page.plans.done", state=text("approval.state.approved"))).wait_for(timeout=WAIT_MS)
        follow(page, "print")
        page.get_by_text(text("page.plans.in_force")[:2]).first.wait_for(timeout=WAIT_MS)
        page.locator("[data-testid=stImage] img").wait_for(timeout=WAIT_MS)
        with page.expect_download(timeout=WAIT_MS) as waiting:
            page.get_by_text(text("page.take.part", what=text("page.print.take"), part="PDF"), exact=True).click()
        assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF")


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
    box = what.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + east_px, y + south_px, steps=5)
    page.mouse.up()
