"""Shapes on paper as SVG: one path a style, coordinates in millimetres.

In:     shapely geometries in millimetres of paper.
Out:    SVG elements, and the whole picture. Written by hand, not by a plotting library: a millimetre stays a
        millimetre, and the same shapes give the same bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray


def picture(width_mm: float, height_mm: float, elements: Iterable[str]) -> str:
    """Return an SVG of exactly this size whose user unit is one millimetre."""
    size = f'width="{width_mm:g}mm" height="{height_mm:g}mm" viewBox="0 0 {width_mm:g} {height_mm:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(elements)}</svg>'


def path(shapes: Any, **style: str | float) -> str:  # noqa: ANN401 - a geometry or many
    """Return one path of all shapes; ``style`` names SVG attributes with ``_`` for ``-``."""
    drawn = "".join(_commands(part) for part in shapely.get_parts(np.atleast_1d(shapes)) if not part.is_empty)
    if not drawn:
        return ""
    settings = {"fill": "none", "fill_rule": "evenodd", "stroke_linejoin": "round"} | style
    attributes = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in settings.items())
    return f'<path d="{drawn}" {attributes}/>'


def hatch(area: shapely.Geometry, *, spacing_mm: float, slope: float = 1.0) -> NDArray[Any]:
    """Return parallel slanting lines across an area, as true lines: they survive a copier where a tint would not."""
    west, south, east, north = area.bounds
    reach = north - south
    first, last = (south, north) if slope > 0 else (north, south)
    starts = np.arange(np.floor((west - reach) / spacing_mm) * spacing_mm, east, spacing_mm)
    lines = [shapely.LineString([(start, first), (start + reach, last)]) for start in starts]
    return shapely.intersection(np.array(lines, dtype=object), area)


def _commands(shape: shapely.Geometry) -> str:
    if shape.geom_type == "Polygon":
        rings: Sequence[shapely.Geometry] = (shape.exterior, *shape.interiors)
        return "".join(_run(ring) + "Z" for ring in rings)
    if shape.geom_type == "GeometryCollection" or shape.geom_type.startswith("Multi"):
        return "".join(_commands(part) for part in shape.geoms)
    return "" if shape.geom_type == "Point" else _run(shape)


def _run(line: shapely.Geometry) -> str:
    # A hundredth of a millimetre is a quarter of the finest dot a printer sets.
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in shapely.get_coordinates(line))


def disc(x: float, y: float, radius: float, **style: str | float) -> str:
    """Return one circle."""
    attributes = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{radius:g}" {attributes}/>'
