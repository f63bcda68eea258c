"""What the editing page is taken away as: the plan as it would be with the edits made so far, not kept yet.

In:     a plan's hand (zones, checkpoints or cameras) and the station it is of.
Out:    layers and drawings of maps, made when they are asked for: an edit does not wait for them.
"""

from dataclasses import replace

import geopandas as gpd

from models.borders import as_drawn
from models.cameras.hand import CameraHand
from models.checkpoint_edit import CheckpointHand
from models.edit import Hand, as_changed_plan
from models.plan import Plan
from views.maps.beats import beat_map
from views.maps.cameras import camera_map, of_village
from views.maps.frame import TownMap
from views.maps.zones import zone_map
from views.station import Station

CAMERA_LAYERS = ("cameras", "views", "entrances", "blind_spots")


def zone_layers(station: Station, hand: Hand) -> dict[str, gpd.GeoDataFrame]:
    """Return the zones and their units after the edits."""
    plan = _zones(station, hand)
    return {"zones": plan.to_frame(), "units": plan.tables["units"]}


def draw_zones(station: Station, hand: Hand) -> TownMap:
    """Draw the zones after the edits."""
    tables = {name: station.table(name) for name in ("barriers", "villages")}
    return zone_map(station.study, _zones(station, hand), None, tables, station.tiles)


def _zones(station: Station, hand: Hand) -> Plan:
    made = as_changed_plan(hand, station.plans["zones"], (), reason="", insist=True)
    return as_drawn({"zones": made})["zones"]


def checkpoint_layers(hand: CheckpointHand) -> dict[str, gpd.GeoDataFrame]:
    """Return the beats and the checkpoints after the edits."""
    return {name: hand.tables[name] for name in ("beats", "checkpoints")}


def draw_checkpoints(station: Station, hand: CheckpointHand) -> TownMap:
    """Draw the beats and the checkpoints after the edits."""
    tables = {name: station.table(name) for name in ("barriers", "villages")}
    plan = replace(station.plans["beats"], tables=hand.tables)
    return beat_map(station.study, plan, station.plans["zones"].to_frame(), tables, station.tiles)


def camera_layers(hand: CameraHand, village: str) -> dict[str, gpd.GeoDataFrame]:
    """Return one village's cameras and what they see after the edits."""
    return {name: of_village(hand.tables[name], village) for name in CAMERA_LAYERS}


def draw_cameras(station: Station, hand: CameraHand, village: str) -> TownMap:
    """Draw one village's cameras after the edits."""
    tables = {name: station.table(name) for name in ("roads", "buildings", "water")}
    plan = replace(station.plans["cameras"], tables=hand.tables)
    return camera_map(station.study, plan, village, tables, station.tiles)
