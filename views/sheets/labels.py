"""Names on a map: none covers another, none leaves the frame, each stands near what it names.

In:     wanted labels with their anchor and size on paper, and what they should rather not cover.
Out:    their places. Greedy: important ones choose first among places around their anchor, nearest ring first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from views.fonts import Weight, pillow_font

_MEASURE_PX = 100
_PT_TO_MM = 25.4 / 72
_PADDING_MM = 0.4
_RINGS_MM = (1.6, 4.0, 7.0, 11.0, 16.0)
# A name misleads that stands hardly nearer to its own thing than to another of its kind.
_ASTRAY, _RIVAL_MM = 20.0, 3.0
# Right and left first: the eye finds a name fastest there (Imhof 1962).
_DIRECTIONS = ((1, 0), (-1, 0), (1, -1), (1, 1), (-1, -1), (-1, 1), (0, -1), (0, 1))


@dataclass(frozen=True)
class Label:
    """A label that wants a place beside (x, y), or upon it (``over``).

    A ``must`` label is set even far away (with a leading line) or where it covers something; others are left out.
    ``reach_mm`` is the radius of the thing named.
    """

    text: str
    x: float
    y: float
    size_pt: float
    weight: Weight = 400
    style: str = "name"
    must: bool = True
    over: bool = False
    reach_mm: float = 0.0

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the box around the words."""
        width_px = pillow_font(_MEASURE_PX, weight=self.weight).getlength(self.text)
        em_mm = self.size_pt * _PT_TO_MM
        return width_px / _MEASURE_PX * em_mm + 2 * _PADDING_MM, em_mm * 1.12 + _PADDING_MM


@dataclass(frozen=True)
class Placed:
    """A label with the top left corner of its box, and where a line leads if it had to stand away."""

    label: Label
    left: float
    top: float
    width: float
    height: float
    leader: tuple[float, float, float, float] | None

    @property
    def box(self) -> shapely.Geometry:
        """The box on paper."""
        return shapely.box(self.left, self.top, self.left + self.width, self.top + self.height)


def place_labels(
    labels: Sequence[Label], *, width_mm: float, height_mm: float, keep_clear: Sequence[shapely.Geometry],
    rather_not: Sequence[shapely.Geometry] = (),
) -> list[Placed]:  # fmt: skip
    """Place labels in the given order, most important first.

    Parameters
    ----------
    keep_clear
        Boxes and symbols that no label may cover (scale bar, north arrow, markers).
    rather_not
        Lines and areas that a label covers only when it must (roads, borders, hotspots).
    """
    clear, soft = shapely.STRtree(list(keep_clear)), shapely.STRtree(list(rather_not))
    placed: list[Placed] = []
    for label in labels:
        rivals = [other for other in labels if other.style == label.style and other is not label]
        best = _best(label, (width_mm, height_mm), clear, soft, [other.box for other in placed], rivals)
        if best is not None:
            placed.append(best)
    return placed


def _best(
    label: Label,
    frame: tuple[float, float],
    clear: shapely.STRtree,
    soft: shapely.STRtree,
    taken: list[shapely.Geometry],
    rivals: Sequence[Label],
) -> Placed | None:
    inside = [place for place in _candidates(label) if _within(place, frame)]
    if not inside:
        return None
    boxes = np.array([place.box for place in inside], dtype=object)
    hard = _covered(boxes, clear) + _covered(boxes, shapely.STRtree(taken))
    if not label.must and hard.min() > 0:
        return None
    distance = np.arange(len(inside)) / len(inside)
    astray = _gap(boxes, rivals).min(axis=0, initial=np.inf) < 2 * _gap(boxes, [label])[0] + _RIVAL_MM
    return inside[int(np.argmin(1000 * hard + _covered(boxes, soft) + 3 * distance + _ASTRAY * astray))]


def _gap(boxes: np.ndarray, named: Sequence[Label]) -> np.ndarray:
    """Millimetres from each box to each thing named (rows: things)."""
    middles = shapely.points([one.x for one in named], [one.y for one in named]).reshape(-1, 1)
    reach = np.array([one.reach_mm for one in named]).reshape(-1, 1)
    return np.maximum(shapely.distance(middles, boxes[None, :]) - reach, 0)


def _candidates(label: Label) -> Iterator[Placed]:
    width, height = label.size_mm
    if label.over:
        yield Placed(label, label.x - width / 2, label.y - height / 2, width, height, None)
    for ring in _RINGS_MM if label.must else _RINGS_MM[:1]:
        for across, down in _DIRECTIONS:
            away = label.reach_mm + ring
            x = label.x + across * (away + width / 2)
            y = label.y + down * (away * (0.75 if across else 1.0) + height / 2)
            leader = None
            if ring > _RINGS_MM[0]:
                leader = (label.x, label.y, x - across * width / 2, y - (down if not across else 0) * height / 2)
            yield Placed(label, x - width / 2, y - height / 2, width, height, leader)


def _within(place: Placed, frame: tuple[float, float]) -> bool:
    edge = 0.5
    return (
        place.left >= edge
        and place.top >= edge
        and place.left + place.width <= frame[0] - edge
        and place.top + place.height <= frame[1] - edge
    )


def _covered(boxes: np.ndarray, tree: shapely.STRtree) -> np.ndarray:
    """Square or running millimetres of the tree's shapes under each box (a line counts by its length)."""
    if len(tree) == 0:
        return np.zeros(len(boxes))
    which, shape = tree.query(boxes, predicate="intersects")
    common = shapely.intersection(boxes[which], tree.geometries[shape])
    size = shapely.area(common) + np.where(shapely.get_dimensions(common) == 1, shapely.length(common), 0)
    return np.bincount(which, weights=size, minlength=len(boxes))
