"""Roads on the editing map: every driven road to be closed by a click, and the crossings by name.

In:     a zone plan as hands left it, and the station's tables.
Out:    ``ground``: the zones' ground with the roads; ``state``: the zones' state with what is closed.
"""

from typing import Any

import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.streets import DRIVEN
from models.closures import Closing, road_words
from models.edit import Hand
from views import zone_figures
from views.edit_map import zones
from views.edit_map.ground import lines
from views.maps.layers import lat_lon

SIMPLER_M = 4.0


def words() -> dict[str, str]:
    """Return the words of the toolbar."""
    return zones.words() | {
        name: text(f"edit_map.roads.{name}") for name in ("hint", "bridge", "open")
    }  # fmt: skip


def ground(hand: Hand) -> dict[str, Any]:
    """Return the zones' ground, the driven roads as lines, and the crossings with their names."""
    tables = hand.tables
    driven = tables.roads[tables.roads["road_class"].isin(DRIVEN)]
    drawn = lines(shapely.simplify(driven.geometry.to_numpy(), SIMPLER_M), driven.crs)
    about = zip(driven["road_id"], driven["name"], driven["road_class"], driven["length_m"], drawn, strict=True)
    roads = [
        {"id": int(number), "name": _tip(name, kind, length_m), "line": line}
        for number, name, kind, length_m, line in about
    ]
    names = zone_figures.crossing_names(tables.crossings, tables.barriers, tables.roads, tables.villages)
    at = dict(zip(tables.crossings["crossing_id"].tolist(), lat_lon(tables.crossings.geometry), strict=True))
    crossings = [[number, name, at[number]] for number, name in names.items()]
    return zones.ground(hand) | {"roads": roads, "crossings": crossings}


def _tip(name: str, kind: str, length_m: float) -> str:
    known = name or text(f"sheet.legend.road.{kind}")
    return text("edit_map.roads.tip", road=known, metres=f"{length_m:.0f}")


def state(base: Hand, now: Hand, colours: list[str]) -> dict[str, Any]:
    """Return the zones' state, the numbers of the roads that are closed, and the closings by name to be opened."""
    shut = [[closing.road_ids[0], _name(now, closing)] for closing in now.closings]
    return zones.state(base, now, colours) | {"closed": sorted(now.closed_roads), "closings": shut}


def _name(hand: Hand, closing: Closing) -> str:
    return text("list.mark").join(road_words(hand.tables.roads, closing.road_ids))


def closed_table(now: Hand) -> pd.DataFrame:
    """Return what is closed now, with the reason."""
    rows = [
        {"road": _name(now, closing), "reason": closing.reason or text("page.edit.closed_column.unkept")}
        for closing in now.closings
    ]
    return pd.DataFrame(rows, columns=["road", "reason"]).rename(
        columns=lambda key: text(f"page.edit.closed_column.{key}")
    )
