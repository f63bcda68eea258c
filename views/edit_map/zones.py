"""Zones on the editing map: units to click, borders between them, and how the zones stand after some edits.

In:     a zone plan as hands left it (``models.edit.Hand``).
Out:    ``ground``: what does not change with an edit; ``state``: which unit is in which zone now; small tables.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.closures import road_words
from models.edit import Change, Hand, Judged, cut_rows, few, hand_words
from views import figures
from views.edit_map.ground import geojson
from views.maps.layers import lat_lon
from views.maps.zones import zone_colours

SIMPLER_M = 5.0  # borders drawn this much simpler look the same and cost a third
WORDS = (
    "choose", "chosen", "hint", "more", "clear", "move_to", "to_zone", "post", "lock", "unlock", "cut", "lasso", "draw",
    "other",
)  # fmt: skip
FILLED = {"chosen": "names", "more": "count", "to_zone": "zone"}  # fields that the script fills in


def words() -> dict[str, str]:
    """Return the words of the toolbar; a field to be filled in there stays in braces."""
    fields: dict[str, dict[str, Any]] = {name: {field: f"{{{field}}}"} for name, field in FILLED.items()}
    return {name: text(f"edit_map.zones.{name}", **fields.get(name, {})) for name in WORDS}


def ground(hand: Hand) -> dict[str, Any]:
    """Return the units with their shapes and the borders between every two, in degrees."""
    units = hand.shown
    places = lat_lon(gpd.GeoSeries(gpd.points_from_xy(units["x"], units["y"]), crs=units.crs))
    shapes = geojson(shapely.coverage_simplify(units.geometry.to_numpy(), SIMPLER_M), units.crs)
    rows = zip(units["unit_id"], units["name"], shapes, places, _tips(units), strict=True)
    return {
        "units": [
            {"id": unit, "name": name, "shape": shape, "at": at, "tip": tip} for unit, name, shape, at, tip in rows
        ],
        "pairs": list(borders(shapely.coverage_simplify(units.geometry.to_numpy(), SIMPLER_M), units.crs)),
    }


def _tips(units: gpd.GeoDataFrame) -> list[str]:
    hours, people = units["total_min"] / 60, units["population"]
    return [
        text("edit_map.zones.tip", hours=f"{work:.1f}", people=f"{count:,.0f}" if count >= 0 else figures.DASH)
        for work, count in zip(hours, people, strict=True)
    ]


def borders(shapes: Any, crs: Any) -> Iterator[list[Any]]:  # noqa: ANN401 - an array of shapes; any CRS
    """Yield ``[row, row, line]`` for every two shapes with a common border, ``[-1, row, line]`` for the rest of it."""
    edges = shapely.boundary(shapes)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = np.column_stack([one, other])[one < other]
    lines = shapely.intersection(edges[pairs[:, 0]], edges[pairs[:, 1]])
    real = shapely.length(lines) > 0
    outer = shapely.intersection(edges, shapely.boundary(shapely.union_all(shapes)))
    rim = np.flatnonzero(shapely.length(outer) > 0)
    ends = np.concatenate([pairs[real], np.column_stack([np.full(len(rim), -1), rim])])
    drawn = np.concatenate([lines[real], outer[rim]])
    for (a, b), line in zip(ends.tolist(), geojson(_lines(drawn), crs), strict=True):
        yield [a, b, line]


def _lines(shapes: Any) -> Any:  # noqa: ANN401 - arrays of shapes
    """Keep the lines of each shape (two units may also meet in a point)."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    lines = shapely.get_type_id(parts) == 1
    return shapely.line_merge(shapely.multilinestrings(parts[lines], indices=row[lines]))


def state(base: Hand, now: Hand, colours: list[str]) -> dict[str, Any]:
    """Return which unit is in which zone and was before the edits, the posts, and what is locked or cut off."""
    ids = now.ids
    return {
        "zones": [
            {"id": zone, "colour": colour, "post": post}
            for zone, colour, post in zip(now.zone_ids, colours, now.posts, strict=True)
        ],
        "zone": zone_rows(now),
        "was": _was(base, now),
        "locked": [row for row, unit in enumerate(ids) if unit in now.locked],
        "cut": [row for rows in cut_rows(now).values() for row in rows],
    }


def _was(base: Hand, now: Hand) -> list[int]:
    """Return the zone that each unit was in before the edits; for a part made since, that of its middle cell."""
    zone, row = zone_rows(base), {unit: place for place, unit in enumerate(base.ids)}
    if base.case.ground.parts is None or base.ground_key[1] == now.ground_key[1]:
        return zone
    cells = base.case.ground.parts.cells.set_index("cell_id")["unit_id"]
    middle = now.tables.cells["cell_id"].to_numpy()[now.case.ground.units["cell"]]
    return [zone[row[unit] if unit in row else row[cells[cell]]] for unit, cell in zip(now.ids, middle, strict=True)]


def zone_rows(hand: Hand) -> list[int]:
    """Return the zone (its place among the zones) of each unit."""
    place = {post: row for row, post in enumerate(hand.posts)}
    return [place[int(post)] for post in hand.post]


def colours(zones: gpd.GeoDataFrame, hand: Hand) -> list[str]:
    """Return the zones' colours in the order of the hand; they stay as they are while villages move."""
    of = dict(zip(zones["zone_id"], zone_colours(zones), strict=True))
    return [of[zone] for zone in hand.zone_ids]


def load_table(base: Hand, now: Hand) -> pd.DataFrame:
    """Return each zone's work against the mean, before the edits and after, marked where it is out of tolerance."""
    before, after = (_ratios(hand) for hand in (base, now))
    hours = _loads(now) / 60
    rows = [
        {
            "zone": zone,
            "hours": f"{hours[row]:.1f}",
            "before": f"{before[row]:.2f}",
            "after": f"{after[row]:.2f}{_mark(before[row], after[row], now.case.problem.tolerance)}",
        }
        for row, zone in enumerate(now.zone_ids)
    ]
    return pd.DataFrame(rows).rename(columns=lambda key: text(f"edit_map.load.{key}"))


def _mark(before: float, after: float, tolerance: float) -> str:
    arrow = "" if round(after, 2) == round(before, 2) else " ▲" if after > before else " ▼"
    return arrow + (f" {text('edit_map.load.outside')}" if abs(after - 1) > tolerance + 1e-9 else "")


def _loads(hand: Hand) -> Any:  # noqa: ANN401 - an array of minutes
    return np.bincount(zone_rows(hand), hand.case.problem.load, minlength=len(hand.zone_ids))


def _ratios(hand: Hand) -> list[float]:
    loads = _loads(hand)
    return [float(load / loads.mean()) for load in loads]


def edit_words(hand: Hand, change: Change) -> str:
    """Say what a change does, in one line."""
    rows = [row for row, unit in enumerate(hand.ids) if unit in set(change.units)]
    roads = road_words(hand.tables.roads, change.road_ids)
    return text(
        f"edit_map.edit.{change.kind}", names=few(hand.names(rows)), zone=change.zone_id, roads=roads,
        crossing=change.crossing_id, count=len(change.cells),
    )  # fmt: skip


def warnings(now: Hand, verdict: Judged) -> list[str]:
    """Return what the plan breaks now, in sentences."""
    said = []
    if "balance" in verdict.broken:
        said.append(text("page.hand.unbalanced", tolerance=f"{100 * now.case.problem.tolerance:g}"))
    if verdict.cut_off:
        said.append(text("page.hand.cut_off", cut=hand_words(verdict)))
    return said


def change_of(event: Mapping[str, Any], _study: Study) -> Change:
    """Return the change that an event of the map asks for; names are checked where the change is made."""
    return Change(
        str(event["kind"]), tuple(str(unit) for unit in event.get("units", ())), str(event.get("zone", "")),
        int(event.get("crossing", -1)), tuple(int(road) for road in event.get("roads", ())),
        tuple(int(cell) for cell in event.get("cells", ())),
    )  # fmt: skip
