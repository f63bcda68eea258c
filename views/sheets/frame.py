"""The frame every printed sheet shares: paper, true scale, and the page set by typst.

In:     the ground to show (metres) and a sheet's own data.
Out:    a map window that turns metres into millimetres of paper at a round 1:n; a PDF.

All lengths on paper are millimetres from the top left corner. ``frame.typ`` beside this file draws title block, footer,
scale bar, north arrow and ruler; ``imprint.py`` says what every sheet says of itself; ``content.py`` holds what a page
is made of. A new sheet is one short file that returns pages.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import shapely
import typst

from gis_data.errors import InfeasibleError
from views.fonts import font_folder

# The national series as far as a patrol wants it (GA/T 629), then every round scale at which a large zone still fills
# its paper: a crew reads 1:30,000 better than a page half empty at 1:50,000, and bar, ruler and grid are true at any.
SCALES = (
    1_000, 2_000, 5_000, 10_000, 25_000, 30_000, 40_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 500_000,
)  # fmt: skip
SCALE_BARS_M = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
LONGEST_BAR_MM = 55.0
INNER_MARGIN_MM = 4.0
LONG_FROM = 1.5  # a zone so many times longer than wide may be turned where that gives it a larger scale
PICTURE_PPI = 110.0

KEPT_COMPILATIONS = 11
NO_FILES: Mapping[str, bytes] = {}
_TEMPLATES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Box:
    """A rectangle on paper."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where map and legend lie on a page (millimetres)."""

    width: float
    height: float
    map: Box
    legend: Box


# As in frame.typ: margin, where the body begins, and the two footers.
MARGIN, HEAD, MAP_FOOT, TEXT_FOOT, GAP = 8.0, 19.0, 25.0, 22.0, 2.0
LEGEND_MM = 17.0

PAPERS = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}


def _layout(width: float, height: float, *, right_mm: float = 0.0, below_mm: float = 0.0) -> Layout:
    inner = Box(MARGIN, HEAD, width - 2 * MARGIN, height - HEAD - MAP_FOOT - GAP)
    if right_mm:
        map_width = inner.width - right_mm - GAP
        legend = Box(inner.left + map_width + GAP, inner.top, right_mm, inner.height)
        return Layout(width, height, Box(inner.left, inner.top, map_width, inner.height), legend)
    map_height = inner.height - below_mm - GAP
    legend = Box(inner.left, inner.top + map_height + GAP, inner.width, below_mm)
    return Layout(width, height, Box(inner.left, inner.top, inner.width, map_height), legend)


# In order of preference: at the same scale the first that fits is taken.
LAYOUTS = {
    name: (
        _layout(short, long, below_mm=LEGEND_MM),
        _layout(long, short, right_mm=33.0),
        _layout(long, short, below_mm=LEGEND_MM),
    )
    for name, (short, long) in PAPERS.items()
}


@dataclass(frozen=True)
class MapDrawing:
    """What the template needs to set a map: the drawing as PDF, words and where they stand, the legend's samples."""

    picture: bytes = field(repr=False)
    labels: list[dict[str, Any]]
    north: Box
    legend: list[tuple[str, str]]


@dataclass(frozen=True)
class MapWindow:
    """A piece of ground on paper at exactly 1:``scale``: the ground point (``x``, ``y``) lies in the frame's middle.

    ``turn_deg`` turns the ground counter-clockwise on the paper, so that a long zone lies along it.
    """

    scale: int
    x: float
    y: float
    frame: Box
    turn_deg: float = 0.0

    @classmethod
    def around(cls, area: shapely.Geometry, frame: Box, scale: int, *, turn_deg: float = 0.0) -> "MapWindow":
        """Return the window that has the middle of an area (metres), seen as it is turned, in its middle."""
        west, south, east, north = _turned(area, turn_deg).bounds
        middle = _turned(shapely.Point((west + east) / 2, (south + north) / 2), -turn_deg)
        return cls(scale, middle.x, middle.y, frame, turn_deg)

    @property
    def ground(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the ground in sight, metres."""
        half = np.array([self.frame.width, self.frame.height]) * self.scale / 2000
        seen = _turned(shapely.box(*-half, *half), -self.turn_deg)
        west, south, east, north = seen.bounds
        return (self.x + west, self.y + south, self.x + east, self.y + north)

    def to_paper(self, shapes: Any) -> Any:  # noqa: ANN401 - one geometry or an array of them
        """Turn geometries in metres into millimetres right and down from the frame's top left corner."""
        mm_per_metre = 1000 / self.scale
        turn = _rotation(self.turn_deg).T * (mm_per_metre, -mm_per_metre)
        middle = np.array([self.frame.width, self.frame.height]) / 2
        return shapely.transform(shapes, lambda xy: (xy - (self.x, self.y)) @ turn + middle)


def _rotation(turn_deg: float) -> np.ndarray:
    angle = np.radians(turn_deg)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _turned(area: shapely.Geometry, turn_deg: float) -> shapely.Geometry:
    return area if turn_deg == 0 else shapely.transform(area, lambda xy: xy @ _rotation(turn_deg).T)


def fit(area: shapely.Geometry, *, paper: str = "A4", scale: int = 0) -> tuple[Layout, MapWindow]:
    """Choose layout, scale and turn: the largest scale of the series at which an area fits a frame of some layout.

    A long area is turned only where that gains a scale. North never points below the horizontal.

    Parameters
    ----------
    area
        The ground to show, metres.
    paper
        "A4" or "A3".
    scale
        The one scale to use; 0 for the largest that fits.

    Raises
    ------
    InfeasibleError
        If the area is too large for the chosen scale, or for the smallest.
    """
    angle = _long_side_deg(area)
    for one in (scale,) if scale else SCALES:
        for turned in (False, True) if angle is not None else (False,):
            for layout in LAYOUTS[paper]:
                turn = _turn_for(layout, angle) if turned and angle is not None else 0.0
                if _fits(_turned(area, turn).bounds, layout.map, one):
                    return layout, MapWindow.around(area, layout.map, one, turn_deg=turn)
    west, south, east, north = area.bounds
    size = {"width_km": f"{(east - west) / 1000:.1f}", "height_km": f"{(north - south) / 1000:.1f}"}
    if scale:
        raise InfeasibleError("sheet.scale_too_large", scale=f"{scale:,}", paper=paper, **size)
    raise InfeasibleError("sheet.too_large", **size)


def _fits(bounds: tuple[float, float, float, float], frame: Box, scale: int) -> bool:
    west, south, east, north = bounds
    room = 2 * INNER_MARGIN_MM
    return (east - west) * 1000 / scale + room <= frame.width and (north - south) * 1000 / scale + room <= frame.height


def _long_side_deg(area: shapely.Geometry) -> float | None:
    """Return the direction of a long area's long side, degrees from east in (-90, 90]; None where it is not long."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(area))
    if len(corners) < 4:
        return None
    sides = np.diff(corners, axis=0)[:2]
    lengths = np.hypot(*sides.T)
    if lengths.max() < LONG_FROM * lengths.min():
        return None
    across, up = sides[int(lengths.argmax())]
    angle = float(np.degrees(np.arctan2(up, across)))
    return angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle


def _turn_for(layout: Layout, long_side_deg: float) -> float:
    """Return the smallest turn that lays a long side along the long side of the layout's map."""
    if layout.map.width >= layout.map.height:
        return -long_side_deg
    return 90 - long_side_deg if long_side_deg > 0 else -90 - long_side_deg


def scale_bar(scale: int) -> dict[str, Any]:
    """Return the longest round scale bar that fits beside the ruler: its length on paper, and its marks by quarters."""
    length_m = max(length for length in SCALE_BARS_M if length * 1000 / scale <= LONGEST_BAR_MM)
    unit, per = ("km", 1000) if length_m >= 1000 else ("m", 1)
    marks = [(0, "0"), (2, f"{length_m / 2 / per:g}"), (4, f"{length_m / per:g} {unit}")]
    return {"length_mm": length_m * 1000 / scale, "marks": marks}


def grid_step_m(scale: int) -> int:
    """Return the step of the grid on the map, metres: never closer than 25 mm."""
    return next(step for step in (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000) if step * 1000 / scale >= 25)


def write_pdf(template: str, sheet: Mapping[str, Any], path: Path, *, files: Mapping[str, bytes] = NO_FILES) -> Path:
    """Set a template with its data as a PDF, or its first page as a picture if the path ends in ``.png``.

    ``files`` are what the data name as files beside the template. The same data give the same bytes.
    """
    how = {"format": "png", "ppi": PICTURE_PPI} if path.suffix == ".png" else {"format": "pdf"}
    made = compiled(template, sheet, files=files, **how)[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")  # a kill leaves the old sheet or the new one, never half of one
    draft.write_bytes(made)
    draft.replace(path)
    return path


def compiled(
    template: str,
    sheet: Mapping[str, Any],
    *,
    files: Mapping[str, bytes] = NO_FILES,
    **how: Any,  # noqa: ANN401 - typst's options
) -> list[bytes]:
    """Return what typst makes of a template, its data and the files that these name, one item a file."""
    with TemporaryDirectory() as folder:  # typst reads no file outside the template's own folder
        room = Path(folder)
        for one in _TEMPLATES.glob("*.typ"):
            copy(one, room)
        for name, data in files.items():
            (room / name).write_bytes(data)
        made = typst.compile(
            room / template,
            root=room,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"sheet": json.dumps(sheet, ensure_ascii=False, default=_plain)},
            timestamp=0,
            pdf_tags=False,
            **how,
        )
    return made if isinstance(made, list) else [made]


def forget() -> None:
    """Let typst drop what it keeps of documents that are made: all that its last ten compilations did not use."""
    for _ in range(KEPT_COMPILATIONS):
        typst.compile(b"", font_paths=_fonts(), ignore_system_fonts=True)


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(font_folder())])


def _plain(value: Any) -> Any:  # noqa: ANN401 - dataclasses and numpy scalars
    return value.item() if hasattr(value, "item") else asdict(value)
