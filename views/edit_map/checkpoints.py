"""Checkpoints on the editing map: the beats as coloured roads, and the points that crews must see.

In:     a beats plan with the checkpoints that hands asked for (``models.checkpoint_edit.CheckpointHand``), the zones.
Out:    ``ground``: beats and zone borders; ``state``: the checkpoints now; small tables.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.beats.explain import when
from models.beats.types import spoken
from models.checkpoint_edit import CheckpointChange, CheckpointHand, places_of
from views import figures
from views.edit_map.ground import geojson, lines, spot
from views.maps.beats import beat_colours
from views.maps.layers import lat_lon
from views.palette import CHECKPOINTS, ink_on

SIMPLER_M = 4.0
WORDS = ("name", "visits", "hint", "remove")


def words() -> dict[str, str]:
    """Return the words of the toolbar."""
    return {name: text(f"edit_map.checkpoints.{name}") for name in WORDS}


def ground(hand: CheckpointHand, zones: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return each beat's roads with its colour, and the zones' borders."""
    beats: gpd.GeoDataFrame = hand.tables["beats"]
    rows = zip(beats["beat_id"], beats.geometry, beat_colours(beats), strict=True)
    drawn = [{"tip": beat, "colour": colour, "lines": lines(_simple(roads), beats.crs)} for beat, roads, colour in rows]
    borders = shapely.union_all(zones.geometry.boundary.to_numpy())
    return {"beats": drawn, "borders": geojson([borders], zones.crs)[0]}


def _simple(roads: shapely.Geometry) -> Any:  # noqa: ANN401 - an array of line strings
    return shapely.get_parts(shapely.simplify(shapely.line_merge(roads), SIMPLER_M))


def state(hand: CheckpointHand) -> dict[str, Any]:
    """Return the checkpoints with their place, colour and tip; ``wish`` names those that hands asked for."""
    wish_at = {point: wish for wish, point in places_of(hand).items()}
    table = hand.checkpoints
    return {
        "points": [
            {
                "at": at, "number": int(row["number"]), "colour": CHECKPOINTS[row["kind"]],
                "ink": ink_on(CHECKPOINTS[row["kind"]]),
                "wish": wish_at.get(row["checkpoint_id"], ""), "tip": _tip(row),
            }
            for row, at in zip(figures.records(table), lat_lon(table.geometry), strict=True)
        ]
    }  # fmt: skip


def _tip(row: Mapping[str, Any]) -> str:
    kind = text(f"beats.kind.{row['kind']}")
    return text("edit_map.checkpoints.tip", point=row["checkpoint_id"], kind=kind, name=row["name"], when=when(row))


def change_of(event: Mapping[str, Any], study: Study) -> CheckpointChange:
    """Return the change that an event of the map asks for; it is checked where it is made."""
    if event["kind"] != "add":
        return CheckpointChange(str(event["kind"]), str(event.get("wish", "")))
    place = spot(event["at"], study)
    return CheckpointChange("add", "", place.x, place.y, str(event.get("name", ""))[:40], int(event.get("visits") or 0))


def edit_words(change: CheckpointChange) -> str:
    """Say what a change does, in one line."""
    kind = "add_unnamed" if change.kind == "add" and not change.name else change.kind
    return text(f"edit_map.checkpoint_edit.{kind}", name=change.name, visits=change.visits, wish=change.wish_id)


def beat_table(before: CheckpointHand, after: CheckpointHand, *, changed: bool = False) -> pd.DataFrame:
    """Return the beats, or only those that change, with their checkpoints and minutes before the edits and after."""
    was, now = (hand.tables["beats"].set_index("beat_id") for hand in (before, after))
    same = (was["visits_per_week"] == now["visits_per_week"]) & (was["checkpoints"] == now["checkpoints"])
    rows = [
        {
            "beat": beat,
            "points": _pair(was.loc[beat, "checkpoints"], now.loc[beat, "checkpoints"]),
            "minutes": _pair(was.loc[beat, "visit_min_per_week"], now.loc[beat, "visit_min_per_week"]),
            "standing": f"{now.loc[beat, 'standing_min_per_week']:.0f}",
        }
        for beat in (was.index[~same] if changed else was.index)
    ]
    return pd.DataFrame(rows, columns=["beat", "points", "minutes", "standing"]).rename(
        columns=lambda key: text(f"edit_map.beat.{key}")
    )


def _pair(before: float, after: float) -> str:
    return f"{before:.0f}" if before == after else f"{before:.0f} → {after:.0f}"


def displaced(before: CheckpointHand, after: CheckpointHand) -> list[str]:
    """Return why checkpoints that had a place have none any more, a sentence each."""
    was = {(row["kind"], row["name"], row["beat_id"]) for row in figures.records(before.tables["left_out"])}
    return [
        text("edit_map.checkpoints.displaced", kind=text(f"beats.kind.{row['kind']}"), name=row["name"],
             why=" ".join(spoken(row["why"])))
        for row in figures.records(after.tables["left_out"])
        if (row["kind"], row["name"], row["beat_id"]) not in was
    ]  # fmt: skip
