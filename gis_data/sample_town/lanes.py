"""One village's ground: lanes in a regular grid, lots along them, houses and yards, an irregular outline.

In:     a village's centre, households and a generator.
Out:    lanes, the outline of its built-up ground, and one house for each household.
Method: rows of lots between lanes 28 to 33 m apart, turned a little from the compass; the lots nearest to the middle
        under a wobbling super-ellipse are built on, some stay empty. 180 to 250 m² for each person, as DOMAIN 5.2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

STREET_M = 7.0
LANE_HALF_M = 2.5
NEAR_STREET_M = 40.0


@dataclass(frozen=True)
class Village:
    """One village's ground, in metres from the town's anchor.

    Attributes
    ----------
    outline
        Built-up ground (a convex polygon).
    ends
        Where the two main streets leave the outline: north, south, east, west.
    main, lanes
        Main streets (first north-south, then east-west, each from end to end) and all other lanes.
    lit
        Which lanes have street lamps (back lanes have not).
    houses
        One rectangle for each household.
    house_edge
        Which houses stand at the edge of the village.
    """

    outline: Polygon
    centre: np.ndarray
    ends: dict[str, np.ndarray]
    main: tuple[LineString, LineString]
    lanes: tuple[LineString, ...]
    lit: np.ndarray
    houses: np.ndarray
    house_edge: np.ndarray


@dataclass(frozen=True)
class _Lots:
    """Lots of a village: row and column of each built lot, and the grid they lie in."""

    row: np.ndarray
    col: np.ndarray
    street: np.ndarray
    left_m: np.ndarray
    spacing_m: float
    frontage_m: float


def grow_village(centre: np.ndarray, households: int, *, is_seat: bool, rng: np.random.Generator) -> Village:
    """Grow one village around its centre."""
    lots = _choose_lots(households, is_seat=is_seat, rng=rng)
    turn = np.radians(rng.uniform(-2, 2) if is_seat else rng.normal(0, 7))
    middle = _middle(lots)
    main, lanes, lit = _lanes(lots, rng=rng)
    houses, edge = _houses(lots, rng=rng)
    corners = shapely.get_coordinates([*houses, *main, *lanes])
    ground = shapely.convex_hull(shapely.multipoints(corners)).buffer(9, join_style="mitre")
    main = (_reach(main[0], ground), _reach(main[1], ground))
    ends = {name: np.array(line.coords[at]) for name, line, at in
            (("S", main[0], 0), ("N", main[0], -1), ("W", main[1], 0), ("E", main[1], -1))}  # fmt: skip

    def place(shapes: Any) -> Any:  # noqa: ANN401 - one shape or several
        return shapely.transform(shapes, lambda xy: (xy - middle) @ _turning(turn) + centre)

    return Village(
        place(ground), centre, {name: (end - middle) @ _turning(turn) + centre for name, end in ends.items()},
        (place(main[0]), place(main[1])), tuple(place(lanes)), lit, place(houses), edge,
    )  # fmt: skip


def _turning(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _choose_lots(households: int, *, is_seat: bool, rng: np.random.Generator) -> _Lots:
    spacing_m, frontage_m = rng.uniform(28.5, 33.5), rng.uniform(15.2, 17.0)
    built_share = rng.uniform(0.84, 0.92)
    aspect = rng.uniform(0.95, 1.1) if is_seat else rng.uniform(0.85, 1.4)
    height_m = (households / built_share * frontage_m * spacing_m / aspect) ** 0.5
    width_m = aspect * height_m
    rows, cols = int(np.ceil(1.4 * height_m / spacing_m)), int(np.ceil(1.4 * width_m / frontage_m))
    row, col = (grid.ravel() for grid in np.mgrid[0:rows, 0:cols])
    u = (col + 0.5 - cols / 2) * frontage_m / (width_m / 2)
    v = (row + 0.5 - rows / 2) * spacing_m / (height_m / 2)
    angle, phase = np.arctan2(v, u), rng.uniform(0, 2 * np.pi, 3)
    wobble = sum(np.sin(k * angle + p) for k, p in zip((2, 3, 5), phase, strict=True)) * 0.055
    far = (np.abs(u) ** 4 + np.abs(v) ** 4) ** 0.25 * (1 + wobble)
    far[rng.random(len(far)) > built_share] = np.inf
    built = np.sort(np.argsort(far, kind="stable")[:households])
    row, col = row[built], col[built] - col[built].min()
    block = int(rng.integers(8, 12))
    cols = int(col.max()) + 1
    streets = max(2, round(cols / block / 2) * 2)  # an even number of blocks leaves a street in the middle
    street = np.round(np.linspace(0, cols, streets + 1)).astype(int)
    left_m = np.arange(cols) * frontage_m + STREET_M * np.searchsorted(street, np.arange(cols), side="right")
    return _Lots(row, col, street, left_m, spacing_m, frontage_m)


def _street_u(lots: _Lots) -> np.ndarray:
    """Return where the north-south streets run."""
    first = np.minimum(lots.street, len(lots.left_m) - 1)
    u = lots.left_m[first] - STREET_M / 2
    u[-1] = lots.left_m[-1] + lots.frontage_m + STREET_M / 2
    return u


def _main_row(lots: _Lots) -> int:
    return round(float(np.median(lots.row)))


def _middle(lots: _Lots) -> np.ndarray:
    return np.array([_street_u(lots)[(len(lots.street) - 1) // 2], _main_row(lots) * lots.spacing_m])


def _lanes(
    lots: _Lots, *, rng: np.random.Generator
) -> tuple[tuple[LineString, LineString], list[LineString], np.ndarray]:
    """Return the two main streets, the other lanes, and which of those are lit."""
    u, middle, main_row = _street_u(lots), (len(lots.street) - 1) // 2, _main_row(lots)
    rows = {int(row): _lane_ends(lots, int(row), u) for row in np.unique(lots.row)}
    lanes, main = [], {}
    for row, (west, east) in rows.items():
        stops = [west, *u[(u > west + 1) & (u < east - 1)], east]
        line = LineString([(stop, row * lots.spacing_m) for stop in stops])
        if row == main_row:
            main["across"] = line
        else:
            lanes.append(line)
    for k, street_u in enumerate(u):
        crossed = [row for row, (west, east) in rows.items() if west - 1 <= street_u <= east + 1]
        line = LineString([(street_u, row * lots.spacing_m) for row in (min(crossed), max(crossed))])
        if k == middle:
            main["along"] = line
        elif len(crossed) >= 2:
            lanes.append(line)
    dark = rng.permutation(len(rows) - 1)[: int(rng.integers(3, 7))]
    lit = np.ones(len(lanes), dtype=bool)
    lit[dark] = False
    return (main["along"], main["across"]), lanes, lit


def _lane_ends(lots: _Lots, row: int, street_u: np.ndarray) -> tuple[float, float]:
    """Return from where to where a lane runs: all its lots, the main street, and an outer street close by."""
    cols = lots.col[lots.row == row]
    middle = street_u[(len(street_u) - 1) // 2]
    west = min(lots.left_m[cols.min()], middle)
    east = max(lots.left_m[cols.max()] + lots.frontage_m, middle)
    beyond_west, beyond_east = street_u[street_u <= west], street_u[street_u >= east]
    if len(beyond_west) and west - beyond_west.max() < NEAR_STREET_M:
        west = float(beyond_west.max())
    if len(beyond_east) and beyond_east.min() - east < NEAR_STREET_M:
        east = float(beyond_east.min())
    return float(west), float(east)


def _houses(lots: _Lots, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the houses: each stands at the north of its lot, the yard before it reaches the lane."""
    n = len(lots.row)
    width, depth = rng.uniform(10.5, 13.0, n), rng.uniform(8.5, 11.5, n)
    u = lots.left_m[lots.col] + (lots.frontage_m - width) / 2
    top = (lots.row + 1) * lots.spacing_m - LANE_HALF_M - rng.uniform(0.8, 1.6, n)
    houses = shapely.box(u, top - depth, u + width, top)
    built = set(zip(lots.row.tolist(), lots.col.tolist(), strict=True))
    beside = ((0, 1), (0, -1), (1, 0), (-1, 0))
    edge = [
        sum((row + dr, col + dc) in built for dr, dc in beside) < 3
        for row, col in zip(lots.row.tolist(), lots.col.tolist(), strict=True)
    ]
    return houses, np.array(edge)


def _reach(line: LineString, ground: Polygon) -> LineString:
    """Lengthen a main street at both ends until it leaves the built-up ground."""
    xy = np.array(line.coords)
    step = (xy[-1] - xy[0]) / np.hypot(*(xy[-1] - xy[0]))
    longer = LineString([xy[0] - 900 * step, *xy, xy[-1] + 900 * step])
    return longer.intersection(ground)
