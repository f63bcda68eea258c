"""The frame every printed sheet shares: paper, true scale, and the page set by typst.

In:     the ground to show (metres) and a sheet's own data.
Out:    a map window that turns metres into millimetres of paper at a round 1:n; a PDF.

All lengths on paper are millimetres from the top left corner. The template (``frame.typ`` beside this file) draws
title block, scale bar, north arrow and ruler, so that a new sheet is one short file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import typst

from gis_data.errors import InfeasibleError
from views.fonts import font_folder

SCALES = (
    5_000, 7_500, 10_000, 12_500, 15_000, 20_000, 25_000, 30_000, 40_000, 50_000, 75_000, 100_000, 150_000, 200_000,
    300_000, 500_000,
)  # fmt: skip
SCALE_BARS_M = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
LONGEST_BAR_MM = 85.0
INNER_MARGIN_MM = 4.0

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
    """Where the parts of an A4 sheet lie."""

    width: float
    height: float
    map: Box
    card: Box
    columns: int


MARGIN, HEAD, FOOT, GAP = 8.0, 17.0, 25.0, 2.0


def _layout(width: float, height: float, *, card_width: float = 0.0, card_height: float = 0.0) -> Layout:
    inner = Box(MARGIN, HEAD + GAP, width - 2 * MARGIN, height - HEAD - FOOT - 2 * GAP)
    if card_width:
        map_width = inner.width - card_width - GAP
        card = Box(inner.left + map_width + GAP, inner.top, card_width, inner.height)
        return Layout(width, height, Box(inner.left, inner.top, map_width, inner.height), card, columns=1)
    map_height = inner.height - card_height - GAP
    card = Box(inner.left, inner.top + map_height + GAP, inner.width, card_height)
    columns = 3 if width < 250 else 4
    return Layout(width, height, Box(inner.left, inner.top, inner.width, map_height), card, columns=columns)


# In order of preference: at the same scale the first that fits is taken.
LAYOUTS = (
    _layout(210, 297, card_height=72),
    _layout(297, 210, card_width=72),
    _layout(297, 210, card_height=56),
    _layout(210, 297, card_width=66),
)


@dataclass(frozen=True)
class MapWindow:
    """A piece of ground on paper at exactly 1:``scale``; (``west``, ``north``) lies in the frame's top left corner."""

    scale: int
    west: float
    north: float
    frame: Box

    @classmethod
    def around(cls, bounds: Sequence[float], frame: Box, scale: int) -> "MapWindow":
        """Return the window that has the middle of ``bounds`` (metres) in its middle."""
        metres_per_mm = scale / 1000
        west = (bounds[0] + bounds[2]) / 2 - frame.width / 2 * metres_per_mm
        north = (bounds[1] + bounds[3]) / 2 + frame.height / 2 * metres_per_mm
        return cls(scale, west, north, frame)

    @property
    def ground(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the window, metres."""
        metres_per_mm = self.scale / 1000
        return (
            self.west,
            self.north - self.frame.height * metres_per_mm,
            self.west + self.frame.width * metres_per_mm,
            self.north,
        )

    def to_paper(self, shapes: Any) -> Any:  # noqa: ANN401 - one geometry or an array of them
        """Turn geometries in metres into millimetres right and down from the frame's top left corner."""
        mm_per_metre = 1000 / self.scale
        return shapely.transform(shapes, lambda xy: (xy - (self.west, self.north)) * (mm_per_metre, -mm_per_metre))


def fit(bounds: Sequence[float]) -> tuple[Layout, MapWindow]:
    """Choose layout and scale: the largest round scale at which the ground fits a frame of some layout.

    Raises
    ------
    InfeasibleError
        If the ground is too large for the smallest scale.
    """
    size = np.array([bounds[2] - bounds[0], bounds[3] - bounds[1]])
    for scale in SCALES:
        needed = size * 1000 / scale + 2 * INNER_MARGIN_MM
        for layout in LAYOUTS:
            if needed[0] <= layout.map.width and needed[1] <= layout.map.height:
                return layout, MapWindow.around(bounds, layout.map, scale)
    raise InfeasibleError("sheet.too_large", width_km=f"{size[0] / 1000:.0f}", height_km=f"{size[1] / 1000:.0f}")


def scale_bar(scale: int) -> dict[str, Any]:
    """Return the longest round scale bar that fits beside the ruler: its length on paper, and its marks by quarters."""
    length_m = max(length for length in SCALE_BARS_M if length * 1000 / scale <= LONGEST_BAR_MM)
    unit, per = ("km", 1000) if length_m >= 1000 else ("m", 1)
    marks = [(0, "0"), (2, f"{length_m / 2 / per:g}"), (4, f"{length_m / per:g} {unit}")]
    return {"length_mm": length_m * 1000 / scale, "marks": marks}


def write_pdf(template: str, sheet: Mapping[str, Any], path: Path) -> Path:
    """Set a template with its data as a PDF. The same data give the same bytes."""
    made = typst.compile(
        _TEMPLATES / template,
        root=_TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"sheet": json.dumps(sheet, ensure_ascii=False, default=_plain)},
        timestamp=0,
        pdf_tags=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")  # a kill leaves the old sheet or the new one, never half of one
    draft.write_bytes(made)
    draft.replace(path)
    return path


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(font_folder())])


def _plain(value: Any) -> Any:  # noqa: ANN401 - dataclasses and numpy scalars
    return value.item() if hasattr(value, "item") else asdict(value)
