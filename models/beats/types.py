"""Types: what kind of road a piece is, what kind of beat and zone they make, and the reason in words.

In:     pieces of road, buildings, land use, places, villages.
Out:    a kind for each piece; a type for each beat and zone with its reason: catalogue keys and values.
Rules:  each is one sentence a planner can argue with. A piece is the first kind that holds of market street, main road,
        field track, back lane (narrow, unlit, houses beside it), village road. A beat is the first of market street,
        main road, back lane, field track whose share of it is large enough, else village roads; a zone is the first
        that holds of town seat, industrial, market, corridor, field, else village. The others that hold are named
        beside it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_data.catalogue import text

Reason = tuple[str, dict[str, Any]]

KINDS = ("market_street", "main_road", "field_track", "back_lane", "village_road")
ZONE_TYPES = ("town_seat", "industrial", "market", "corridor", "field", "village")

MAIN_CLASSES = ("provincial", "county", "township")
NARROW = ("service", "living_street")  # highway tags of lanes; a residential street too where lamps are mapped
TRADE = ("retail",)  # land use of a market street; offices and yards are commercial land too
BUILT_UP = ("residential", "retail", "commercial", "industrial")
MARKET_OF_VILLAGE_M = 1000.0  # from a village's centre to its market place
MARKET_M = 100.0  # from a market place to its street
HOUSES_M = 25.0  # from a house to its lane
INDUSTRIAL_SHARE = 0.20  # of the built-up land
CORRIDOR_SHARE = 0.25  # of the work on main roads
FIELD_SHARE = 0.40  # of the road kilometres that are field tracks
BACK_LANE_SHARE = 0.15  # of the road kilometres that are back lanes
MARKET_STREET_SHARE = 0.05  # of the road kilometres that are market streets


def add_kinds(
    pieces: gpd.GeoDataFrame, roads: pd.DataFrame, buildings: gpd.GeoDataFrame, landuse: gpd.GeoDataFrame,
    markets: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return the pieces with ``kind`` (one of ``KINDS``) and ``built`` (houses stand beside it)."""
    tree = shapely.STRtree(pieces.geometry.to_numpy())
    built = _near(tree, buildings.geometry.to_numpy(), HOUSES_M)
    trade = landuse.geometry[landuse["kind"].isin(TRADE)].to_numpy()
    middle = shapely.STRtree(shapely.line_interpolate_point(pieces.geometry.to_numpy(), 0.5, normalized=True))
    market = _near(tree, markets.geometry.to_numpy(), MARKET_M) | _near(middle, trade, 0.0)
    lamps_known = bool(roads["lit"].any())
    narrow = pieces["highway"].isin((*NARROW, "residential") if lamps_known else NARROW).to_numpy()
    rules = (
        market & built,
        pieces["road_class"].isin(MAIN_CLASSES).to_numpy(),
        pieces["road_class"].eq("track").to_numpy(),
        narrow & built & ~pieces["lit"].to_numpy(),
    )
    kind = np.select(rules, KINDS[:4], default=KINDS[4])
    return pieces.assign(kind=pd.Series(kind, index=pieces.index, dtype="str"), built=built)


def _near(tree: shapely.STRtree, shapes: NDArray[np.object_], distance_m: float) -> NDArray[np.bool_]:
    found = np.zeros(len(tree.geometries), dtype=bool)
    found[np.unique(tree.query(shapes, predicate="dwithin", distance=distance_m)[1])] = True
    return found


def kilometres_by_kind(pieces: pd.DataFrame) -> dict[str, float]:
    """Return the road of each kind in km."""
    km = pieces.groupby("kind")["length_m"].sum() / 1000
    return {kind: float(km.get(kind, 0.0)) for kind in KINDS}


def beat_type(pieces: pd.DataFrame) -> tuple[str, tuple[Reason, ...]]:
    """Return the type of a beat (one of ``KINDS``) and its reasons, the deciding one first."""
    km, work = kilometres_by_kind(pieces), pieces.groupby("kind")["total_min"].sum()
    length, total = sum(km.values()), float(work.sum())
    share = {kind: km[kind] / length if length > 0 else 0.0 for kind in KINDS}
    share["main_road"] = float(work.get("main_road", 0.0)) / total if total > 0 else 0.0
    rules = {
        "market_street": share["market_street"] >= MARKET_STREET_SHARE,
        "main_road": share["main_road"] >= CORRIDOR_SHARE,
        "back_lane": share["back_lane"] >= BACK_LANE_SHARE,
        "field_track": share["field_track"] >= FIELD_SHARE,
    }
    held = [kind for kind, holds in rules.items() if holds] or ["village_road"]
    return held[0], tuple(
        (f"beats.because.beat.{kind}", {"share_pct": f"{100 * share[kind]:.0f}", "km": f"{km[kind]:.1f}"})
        for kind in held
    )


@dataclass(frozen=True)
class ZoneGround:
    """What the type of a zone is read from: its ground, and the villages, pieces, places and markets in it."""

    ground: shapely.Geometry
    villages: pd.DataFrame
    pieces: pd.DataFrame
    landuse: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    markets: gpd.GeoDataFrame


def zone_type(zone: ZoneGround) -> tuple[str, tuple[Reason, ...]]:
    """Return the type of a zone and its reasons, the deciding one first."""
    rules = (_seat, _industrial, _market, _corridor, _field)
    held = [(name, reason) for name, rule in zip(ZONE_TYPES, rules, strict=False) if (reason := rule(zone))]
    if not held:
        held = [(ZONE_TYPES[-1], ("beats.because.zone.village", {"villages": len(zone.villages)}))]
    return held[0][0], tuple(reason for _, reason in held)


def _seat(zone: ZoneGround) -> Reason | None:
    seats = list(zone.villages.loc[zone.villages["is_seat"].astype(bool), "name"])
    if seats:
        return "beats.because.zone.seat_village", {"names": seats}
    hall = zone.places[zone.places["kind"] == "townhall"]
    return ("beats.because.zone.seat_hall", {"name": hall["name"].iloc[0]}) if len(hall) else None


def _industrial(zone: ZoneGround) -> Reason | None:
    built = zone.landuse[zone.landuse["kind"].isin(BUILT_UP)]
    if built.empty:
        return None
    area = shapely.area(shapely.intersection(built.geometry.to_numpy(), zone.ground))
    works = float(area[(built["kind"] == "industrial").to_numpy()].sum())
    share = works / area.sum() if area.sum() > 0 else 0.0
    if share < INDUSTRIAL_SHARE:
        return None
    return "beats.because.zone.industrial", {"km2": f"{works / 1e6:.2f}", "share_pct": f"{100 * share:.0f}"}


def _market(zone: ZoneGround) -> Reason | None:
    held = zip(zone.markets["name"], zone.markets["market_days"], strict=True)
    names = [f"{name} ({days})" if days else name for name, days in held]
    return ("beats.because.zone.market", {"names": names}) if names else None


def _corridor(zone: ZoneGround) -> Reason | None:
    main = zone.pieces[zone.pieces["kind"] == "main_road"]
    total = zone.pieces["total_min"].sum()
    share = float(main["total_min"].sum() / total) if total > 0 else 0.0
    if share < CORRIDOR_SHARE:
        return None
    values = {"km": f"{main['length_m'].sum() / 1000:.1f}", "share_pct": f"{100 * share:.0f}"}
    return "beats.because.zone.corridor", values


def _field(zone: ZoneGround) -> Reason | None:
    km = kilometres_by_kind(zone.pieces)
    total = sum(km.values())
    if total == 0 or km["field_track"] < FIELD_SHARE * total:
        return None
    share_pct = 100 * km["field_track"] / total
    return "beats.because.zone.field", {"km": f"{km['field_track']:.1f}", "share_pct": f"{share_pct:.0f}"}


def find_markets(places: gpd.GeoDataFrame, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the markets: ``name``, ``village``, ``market_days``, point.

    A village with market days has its market at the nearest market place of the map, if one is near its centre, else
    at the centre; market places of no such village follow, without days.
    """
    left = places.loc[places["kind"] == "market", ["name", "geometry"]]
    held = villages[villages["market_days"] != ""]
    rows = []
    for name, days, x, y in zip(held["name"], held["market_days"], held["centre_x"], held["centre_y"], strict=True):
        point, called = shapely.Point(x, y), name
        away = left.geometry.distance(point)
        if len(away) and away.min() <= MARKET_OF_VILLAGE_M:
            called, point = left.loc[away.idxmin(), ["name", "geometry"]]
            left = left.drop(index=away.idxmin())
        rows.append((called, name, days, point))
    rows += [(name, "", "", point) for name, point in zip(left["name"], left.geometry, strict=True)]
    frame = pd.DataFrame(rows, columns=["name", "village", "market_days", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=places.crs)


def pack(reasons: Iterable[Reason]) -> str:
    """Write reasons as JSON, so that a table keeps them in no language."""
    return json.dumps([[key, values] for key, values in reasons], ensure_ascii=False)


def unpacked(packed: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return packed reasons as catalogue keys with their values."""
    known: list[tuple[str, Mapping[str, Any]]] = json.loads(packed) if packed else []
    return known


def spoken(packed: str) -> tuple[str, ...]:
    """Return packed reasons as sentences in the running language."""
    return tuple(text(key, **values) for key, values in unpacked(packed))
