"""Cells of divided villages on the editing map: each of them to be clicked or drawn round, the villages left whole.

In:     a zone plan as hands left it, some of whose villages are divided.
Out:    ``ground`` and ``state`` as the mode of zones has them, a row a whole village and a row a cell.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_data.catalogue import text
from models.edit import Hand, cut_rows
from models.village_parts import Parts
from views.edit_map import zones
from views.edit_map.ground import geojson
from views.maps.layers import lat_lon


def words() -> dict[str, str]:
    """Return the words of the toolbar."""
    return zones.words() | {"hint": text("edit_map.cells.hint"), "choose": text("edit_map.cells.choose")}


def divided(hand: Hand) -> Parts | None:
    """Return the parts whose cells can be moved, None where there are none."""
    return hand.case.ground.parts


def _rows(hand: Hand) -> gpd.GeoDataFrame:
    """Return the whole villages, then the cells of the divided ones: ``name``, ``tip``, place, ground."""
    parts, units = divided(hand), hand.case.ground.units
    assert parts is not None
    whole = units[~units["unit_id"].isin(parts.cells["unit_id"])]
    cells = hand.tables.cells.set_index("cell_id").loc[parts.cells["cell_id"]]
    village = parts.cells["village_id"].map(hand.tables.villages.set_index("village_id")["name"])
    name = [text("edit_map.cells.name", village=own, cell=cell) for own, cell in zip(village, cells.index, strict=True)]
    homes = [text("edit_map.cells.tip", homes=f"{count:.0f}") for count in parts.cells["homes"]]
    first = pd.DataFrame({"id": whole["unit_id"], "name": whole["name"], "tip": "", "x": whole["x"], "y": whole["y"],
                          "fixed": True})  # fmt: skip
    second = pd.DataFrame({"id": cells.index, "name": name, "tip": homes, "x": cells["x"], "y": cells["y"],
                           "fixed": False})  # fmt: skip
    ground = [*whole.geometry, *cells.geometry]
    return gpd.GeoDataFrame(pd.concat([first, second], ignore_index=True), geometry=ground, crs=units.crs)


def ground(hand: Hand) -> dict[str, Any]:
    """Return the villages and cells with their shapes, and the borders between every two, in degrees."""
    rows = _rows(hand)
    places = lat_lon(gpd.GeoSeries(gpd.points_from_xy(rows["x"], rows["y"]), crs=rows.crs))
    shapes = geojson(rows.geometry.to_numpy(), rows.crs)
    about = zip(rows["id"].tolist(), rows["name"], rows["tip"], rows["fixed"].tolist(), shapes, places, strict=True)
    units = [
        {"id": row, "name": name, "tip": tip, "fixed": fixed, "shape": shape, "at": at}
        for row, name, tip, fixed, shape, at in about
    ]
    return {"units": units, "pairs": list(zones.borders(rows.geometry.to_numpy(), rows.crs))}


def state(base: Hand, now: Hand, colours: list[str]) -> dict[str, Any]:
    """Return which village and cell is in which zone and was before the edits, the posts, and what is locked or cut."""
    unit = _unit_rows(now)
    cut = {row for rows in cut_rows(now).values() for row in rows}
    locked = {row for row, name in enumerate(now.ids) if name in now.locked}
    return {
        "zones": [
            {"id": zone, "colour": colour, "post": _post_row(now, unit, post)}
            for zone, colour, post in zip(now.zone_ids, colours, now.posts, strict=True)
        ],
        "zone": [zones.zone_rows(now)[row] for row in unit],
        "was": [zones.zone_rows(base)[row] for row in _unit_rows(base)],
        "locked": [row for row, own in enumerate(unit) if own in locked],
        "cut": [row for row, own in enumerate(unit) if own in cut],
    }


def _unit_rows(hand: Hand) -> list[int]:
    """Return the unit (row number) that each row of the map belongs to."""
    parts, place = divided(hand), {unit: row for row, unit in enumerate(hand.ids)}
    assert parts is not None
    inside = set(parts.cells["unit_id"])
    return [place[unit] for unit in hand.ids if unit not in inside] + [place[unit] for unit in parts.cells["unit_id"]]


def _post_row(hand: Hand, unit: list[int], post: int) -> int:
    """Return the row of the map where a post stands: its village, or the cell of its part that is in the middle."""
    own = np.flatnonzero(np.array(unit) == post)
    if len(own) == 1:
        return int(own[0])
    parts = divided(hand)
    assert parts is not None
    middle = hand.tables.cells["cell_id"].iloc[int(hand.case.ground.units["cell"].iloc[post])]
    first = len(unit) - len(parts.cells)
    return first + int(np.flatnonzero(parts.cells["cell_id"].to_numpy() == middle)[0])
