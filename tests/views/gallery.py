"""The README's pictures, made anew: pages of a planned town in a real browser, and first pages of its paper.

``python -m tests.views.gallery TOWN`` works on a copy of the town and writes ``docs/*.png``, small; ``TOWN`` may be
followed by the names of the pictures that are wanted. Both languages are shown, each page in one of them.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdfium2
import typer
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from gis_data.catalogue import Language, speaking
from gis_data.workspace import Workspace
from models.store import load_plans
from models.town_plan import plan_town
from views.sheets.desk import Desk
from views.sheets.products import PRODUCTS

from .browsing import ARGUMENTS, FINISHED, WAIT_MS, after_edits, map_of, opened
from .serving import REPOSITORY, served

DOCS = REPOSITORY / "docs"
SCREEN_PX, COLOURS = (1366, 768), 96
PATIENCE_MS = 2 * WAIT_MS  # the first look at a town computes


def _nothing(page: Page) -> None:
    """Leave the page as it opens."""


def _moved(page: Page) -> None:
    """Move the village in the middle of the map's left half to another zone, and keep the edit pending."""
    page.locator(".xq-map").click(position={"x": 300, "y": 240})
    page.locator(".xq-targets button:enabled").first.click()
    after_edits(page, 1)


def _told(page: Page) -> None:
    """Open the card of the first zone."""
    zone = map_of(page).locator("path.xq-zone-area").first
    zone.evaluate("path => path.dispatchEvent(new MouseEvent('click', {bubbles: true}))")


@dataclass(frozen=True)
class Screen:
    """One page as it is shown: where it lies, what is done on it first, how high the screen, how wide the picture."""

    address: str
    lang: Language
    act: Callable[[Page], None] = _nothing
    height_px: int = SCREEN_PX[1]
    width_px: int = 1000


SCREENS = {
    "dashboard": Screen("", "zh", height_px=1150, width_px=SCREEN_PX[0]),
    "data": Screen("data", "zh"),
    "map": Screen("map?mode=two", "en"),
    "patterns": Screen("patterns", "en"),
    "hotspots": Screen("hotspots", "zh"),
    "zones": Screen("zones", "en", _told),
    "edit": Screen("edit", "zh", _moved),
    "cameras": Screen("cameras?village=V001", "zh"),
    "villages": Screen("villages", "en"),
    "plans": Screen("plans?tab=compare", "zh"),
    "print": Screen("print?product=zones", "en"),
}
SHEETS = {"zone_sheet": ("zones", 3, 621), "weekly": ("weekly", 0, 414), "patrol_log": ("patrol_log", 0, 414)}


def make(town: Path, wanted: list[str]) -> None:
    """Make the wanted pictures (all if none is named) of a planned town; the town stays as it is."""
    chosen = wanted or [*SCREENS, *SHEETS]
    with TemporaryDirectory() as folder:
        root = Path(folder) / "town"
        shutil.copytree(town, root)
        if "plans" in chosen:
            _plan_again(Workspace.open(root))
        for name in [name for name in chosen if name in SHEETS]:
            _save(name, _sheet(Workspace.open(root), *SHEETS[name][:2]), SHEETS[name][2])
        with served(root, first_port=8790) as url, sync_playwright() as playwright:
            path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            for name in [name for name in chosen if name in SCREENS]:
                _save(name, _shot(browser, url, SCREENS[name]), SCREENS[name].width_px)


def _plan_again(ws: Workspace) -> None:
    """Make a second plan with one zone less, and the first one again, so that there is something to compare."""
    count = len(load_plans(ws)["zones"].to_frame())
    for zones in (count - 1, count):
        plan_town(ws, ["zones", "beats", "scorecard"], changes={"zones": {"count": zones}})


def _shot(browser: Browser, url: str, screen: Screen) -> bytes:
    address = f"{url}/{screen.address}{'&' if '?' in screen.address else '?'}lang={screen.lang}"
    with opened(browser, address, deep=True) as page:
        page.get_by_role("heading", level=2).wait_for(timeout=PATIENCE_MS)
        page.wait_for_selector(FINISHED, timeout=PATIENCE_MS)
        page.set_viewport_size({"width": SCREEN_PX[0], "height": screen.height_px})
        page.wait_for_timeout(2000)  # tiles and charts
        screen.act(page)
        page.wait_for_timeout(1000)
        return page.screenshot()


def _sheet(ws: Workspace, key: str, number: int) -> bytes:
    """Return the first page of a product's ``number``-th paper."""
    product = next(one for one in PRODUCTS if one.key == key)
    with speaking("zh"):
        files = [file for file in product.files(Desk.of(ws, load_plans(ws))) if file.has_picture]
        pdf = files[number].data()
    png = BytesIO()
    with pypdfium2.PdfDocument(pdf) as pages:
        pages[0].render(scale=2).to_pil().save(png, "PNG")
    return png.getvalue()


def _save(name: str, png: bytes, width_px: int) -> None:
    """Write a picture in few colours; the octree keeps a map's few strong ones, which the median cut turns brown."""
    image = Image.open(BytesIO(png)).convert("RGB")
    small = image.resize((width_px, round(image.height * width_px / image.width)), Image.Resampling.LANCZOS)
    path = DOCS / f"{name}.png"
    small.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    typer.echo(f"{path.relative_to(REPOSITORY)} {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
