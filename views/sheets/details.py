"""Where a map is crowded: larger maps of just those places.

In:     the marks that a map shows (metres) and the scale of that map.
Out:    a piece of ground, layout and window for each detail, at a larger scale of the series; none where there is room.
Method: marks nearer to each other on paper than an arrow needs hang together; a group of eight or more is crowded. Each
        crowded group, the largest first, gets the largest scale at which it fits its paper, unless an earlier detail
        shows it already. A group too large for any larger scale parts at the widest gap across its longer side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from views.sheets.frame import Layout, MapWindow, fit

CROWDED_MM = 12.0
FEWEST_CROWDED = 8
AROUND_M = 60.0  # what a camera sees lies ahead of its pole


@dataclass(frozen=True)
class Detail:
    """A crowded piece of ground (metres) and the map of it."""

    area: shapely.Polygon
    layout: Layout
    window: MapWindow


def details(points: Sequence[shapely.Point], *, scale: int) -> list[Detail]:
    """Return the details that a map at 1:``scale`` with marks at ``points`` needs."""
    xy = shapely.get_coordinates(points)
    apart = np.hypot(*np.moveaxis(xy[:, None] - xy[None], -1, 0))
    group = connected_components(apart * 1000 / scale < CROWDED_MM, directed=False)[1]
    found: list[Detail] = []
    for number in sorted(set(group), key=lambda one: -int((group == one).sum())):
        own = xy[group == number]
        if not any(_shows(detail.window, own) for detail in found):
            found += _parted(own, scale)
    return found


def _shows(window: MapWindow, xy: NDArray[np.float64]) -> bool:
    on_paper = shapely.multipoints(window.to_paper(shapely.points(xy)))
    return bool(shapely.box(0, 0, window.frame.width, window.frame.height).contains(on_paper))


def _parted(xy: NDArray[np.float64], scale: int) -> list[Detail]:
    if len(xy) < FEWEST_CROWDED:
        return []
    area = shapely.box(*(xy.min(axis=0) - AROUND_M), *(xy.max(axis=0) + AROUND_M))
    layout, window = fit(area)
    if window.scale < scale:
        return [Detail(area, layout, window)]
    axis = int(np.ptp(xy, axis=0).argmax())
    order = xy[np.argsort(xy[:, axis], kind="stable")]
    cut = int(np.diff(order[:, axis]).argmax()) + 1
    return _parted(order[:cut], scale) + _parted(order[cut:], scale)
