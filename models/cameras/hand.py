"""Changes by hand to the camera plan: a camera moved, turned, added, removed or locked, and at once what that does.

In:     a finished camera plan, the ground it was made for, the cameras as the station lists them.
Out:    the plan's tables after the change, worked out as the plan itself is; and the list of cameras that makes the
        next plan keep the change.
Method: nothing is solved. A camera set by hand is one of the list with status «planned» (taken at its price), a pole
        taken away is a «forbidden» place (no new camera within 10 m): the next plan reads both as it always did. Only
        what changed is looked at again (``tables.plan_tables`` with the plan's own tables as known).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.errors import InputError
from gis_data.settings import CameraSettings
from models.cameras.carried import still_left_out, with_history, with_known_sites
from models.cameras.checklist import checklist
from models.cameras.demand import Demand
from models.cameras.problem import Choice
from models.cameras.scene import scene_of_cameras
from models.cameras.sites import (
    AROUND_VILLAGE_M,
    CLEAR_OF_WALLS_M,
    FORBIDDEN_M,
    POLE_KINDS,
    SAME_POLE_M,
    SAME_SPOT_M,
    forbidden,
    off_walls,
)
from models.cameras.tables import free_names, plan_tables, summary_table
from models.cameras.two_sides import two_sided

_OWN = ["camera_id", "azimuth_deg", "hfov_deg", "status", "year", "geometry"]


@dataclass(frozen=True)
class CameraChange:
    """One change by hand to the cameras.

    Attributes
    ----------
    kind
        "move" (or turn: all of place, azimuth and lens are given), "add", "remove", "lock" or "unlock".
    camera_id
        Which camera; not for "add".
    x, y
        Where to, metres in the study's CRS; within 3 m of a pole it hangs on that pole.
    azimuth_deg, hfov_deg
        Where it looks (clockwise from north) and the lens, one of the settings' lenses.
    """

    kind: str
    camera_id: str = ""
    x: float = math.nan
    y: float = math.nan
    azimuth_deg: float = math.nan
    hfov_deg: float = math.nan

    def to_mapping(self) -> dict[str, Any]:
        """Return it as the plan and the audit log keep it."""
        place = {"x": self.x, "y": self.y, "azimuth_deg": self.azimuth_deg, "hfov_deg": self.hfov_deg}
        told = {name: round(value, 2) for name, value in place.items() if math.isfinite(value)}
        return {"kind": self.kind, "camera_id": self.camera_id} | told


@dataclass(frozen=True)
class CameraGround:
    """What cameras look at and hang on; ``private`` is the private ground as one shape."""

    demand: Demand
    villages: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    private: shapely.Geometry


@dataclass(frozen=True)
class CameraHand:
    """A camera plan as hands left it.

    Attributes
    ----------
    tables
        The plan's tables; ``curve`` and ``rollout`` are empty once something has changed, ``left_out`` in the villages
        where it has.
    listed
        The cameras as the workspace keeps them (table "cameras"), with the changes.
    covered_pct, second_pct
        Weighted road that all cameras see, and see from two sides, in per cent; ``second_pct`` is NaN
        until a camera sees something else than planned.
    """

    ground: CameraGround
    settings: CameraSettings
    tables: Mapping[str, pd.DataFrame]
    listed: gpd.GeoDataFrame
    covered_pct: float
    second_pct: float = math.nan
    done: tuple[CameraChange, ...] = ()

    @property
    def cameras(self) -> gpd.GeoDataFrame:
        """The cameras of the plan."""
        table: gpd.GeoDataFrame = self.tables["cameras"]
        return table


@dataclass(frozen=True)
class VillageState:
    """How one village's cameras stand; the road in metres, private ground in square metres, prices in yuan."""

    cameras: int
    cost_cny: float
    all_villages_cny: float
    road_m: float
    seen_m: float
    seen_at_night_m: float
    covered_pct: float
    entrances: int
    entrances_seen: int
    entrances_seen_at_night: int
    open_entrances: tuple[str, ...]
    blind_m: float
    private_m2: float


def changed(hand: CameraHand, change: CameraChange) -> CameraHand:
    """Return the plan after a change.

    Raises
    ------
    InputError
        If there is no such camera, it stands already (the list of cameras says where, not a plan), it may not be where
        it is put (a dwelling's wall, inside a building, a forbidden place, far from every village, a full pole), no
        such lens is bought, or nothing changes.
    """
    if change.kind not in KINDS:
        raise InputError("cameras.hand.kind", found=change.kind, known=list(KINDS))
    cameras, listed = _KINDS[change.kind](hand, change)
    after = replace(hand, listed=listed, done=(*hand.done, change))
    return _restated(after, cameras) if change.kind in ("lock", "unlock") else _scored(after, cameras)


def state_of(hand: CameraHand, village_id: str) -> VillageState:
    """Return how a village stands: ``before`` and ``after`` of a change are two of these.

    Raises
    ------
    InputError
        If the plan has no such village.
    """
    tables = hand.tables
    found = tables["summary"][tables["summary"]["village_id"] == village_id]
    if found.empty:
        raise InputError("cameras.hand.no_village", found=village_id)
    row = found.iloc[0]
    entrances = tables["entrances"][tables["entrances"]["village_id"] == village_id]
    blind = tables["blind_spots"]
    return VillageState(
        cameras=int(row["new_cameras"] + row["existing_cameras"]),
        cost_cny=float(row["cost_cny"]),
        all_villages_cny=float(tables["summary"]["cost_cny"].sum()),
        road_m=float(row["road_m"]),
        seen_m=float(row["seen_m"]),
        seen_at_night_m=float(row["seen_at_night_m"]),
        covered_pct=float(row["covered_pct"]),
        entrances=int(row["entrances"]),
        entrances_seen=int(row["entrances_seen"]),
        entrances_seen_at_night=int(entrances["seen_at_night"].sum()),
        open_entrances=tuple(entrances.loc[~entrances["seen"].astype(bool), "entrance_id"]),
        blind_m=float(blind.loc[blind["village_id"] == village_id, "length_m"].sum()),
        private_m2=float(row["private_m2"]),
    )


def kept_rows(before: gpd.GeoDataFrame, hand: CameraHand, reason: str) -> gpd.GeoDataFrame:
    """Return the list of cameras to store: rows that hands made or changed carry the reason."""
    old = set(_told(before))
    reasons = [
        note if row in old else reason for row, note in zip(_told(hand.listed), hand.listed["note"], strict=True)
    ]
    return hand.listed.assign(note=reasons)


def _told(listed: gpd.GeoDataFrame) -> list[tuple[Any, ...]]:
    numbers = listed[["azimuth_deg", "hfov_deg"]].astype(float).fillna(-1.0)
    columns = (listed["camera_id"], listed["status"], *numbers.to_numpy().T, listed.geometry.to_wkb())
    return list(zip(*columns, strict=True))


# ---- the kinds of change: the plan's cameras and the list after it ----

_Changed = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]


def _moved(hand: CameraHand, change: CameraChange) -> _Changed:
    old = _own(hand, change.camera_id)
    at, stays = shapely.Point(change.x, change.y), old["geometry"].distance(shapely.Point(change.x, change.y))
    spot = old["geometry"] if stays <= SAME_SPOT_M else _place(hand, at, but=change.camera_id)
    row = {"camera_id": change.camera_id, "geometry": spot, "year": int(old["year"])} | _look(hand, change)
    if spot.equals(old["geometry"]) and all(row[name] == old[name] for name in ("azimuth_deg", "hfov_deg")):
        raise InputError("cameras.hand.nothing", camera=change.camera_id)
    others = hand.cameras[hand.cameras["camera_id"] != change.camera_id]
    at_place = int(np.flatnonzero(hand.cameras["camera_id"] == change.camera_id)[0])
    cameras = _with(others, row | {"status": "by_hand"}, at_place)
    return cameras, _listed_with(hand.listed, row)


def _added(hand: CameraHand, change: CameraChange) -> _Changed:
    spot = _place(hand, shapely.Point(change.x, change.y))
    areas = hand.ground.demand.areas
    village = areas["village_id"].to_numpy()[int(np.argmin(shapely.distance(areas.geometry.to_numpy(), spot)))]
    taken = {*hand.cameras["camera_id"], *hand.listed["camera_id"]}
    row = {"camera_id": next(free_names([village], "H", taken)[village]), "geometry": spot} | _look(hand, change)
    row |= {"year": hand.settings.rollout_years}
    return _with(hand.cameras, row | {"status": "by_hand"}, len(hand.cameras)), _listed_with(hand.listed, row)


def _removed(hand: CameraHand, change: CameraChange) -> _Changed:
    """Take a camera away; its pole stays empty in the next plan, unless hands had put it there themselves."""
    old = _own(hand, change.camera_id)
    cameras = hand.cameras[hand.cameras["camera_id"] != change.camera_id]
    listed = hand.listed[hand.listed["camera_id"] != change.camera_id]
    if old["site_kind"] == "by_hand":
        return cameras, listed
    on_pole = cameras[(cameras.distance(old["geometry"]) <= SAME_SPOT_M) & (cameras["status"] != "existing")]
    for other in on_pole.to_dict("records"):  # what else hangs there stays: the place is forbidden to new ones only
        listed = _listed_with(listed, other)
    cameras = cameras.assign(status=cameras["status"].mask(cameras.index.isin(on_pole.index), "by_hand"))
    never = {"camera_id": f"{change.camera_id}-X", "status": "forbidden", "geometry": old["geometry"]}
    return cameras, _listed_with(listed, never)


def _locked(hand: CameraHand, change: CameraChange) -> _Changed:
    old = _own(hand, change.camera_id)
    if old["status"] == "by_hand":
        raise InputError("cameras.hand.nothing", camera=change.camera_id)
    return _with_status(hand, change.camera_id, "by_hand"), _listed_with(hand.listed, old)


def _unlocked(hand: CameraHand, change: CameraChange) -> _Changed:
    old = _own(hand, change.camera_id)
    if old["status"] != "by_hand":
        raise InputError("cameras.hand.nothing", camera=change.camera_id)
    listed = hand.listed[hand.listed["camera_id"] != change.camera_id]
    return _with_status(hand, change.camera_id, "new"), listed


_KINDS: dict[str, Callable[[CameraHand, CameraChange], _Changed]] = {
    "move": _moved, "add": _added, "remove": _removed, "lock": _locked, "unlock": _unlocked,
}  # fmt: skip
KINDS = tuple(_KINDS)


def _own(hand: CameraHand, camera_id: str) -> dict[str, Any]:
    """Return a camera that hands may change."""
    found = hand.cameras[hand.cameras["camera_id"] == camera_id]
    if found.empty:
        raise InputError("cameras.hand.no_camera", found=camera_id)
    row: dict[str, Any] = found.to_dict("records")[0]
    if row["status"] == "existing":
        raise InputError("cameras.hand.standing", camera=camera_id)
    return row


def _with_status(hand: CameraHand, camera_id: str, status: str) -> gpd.GeoDataFrame:
    return hand.cameras.assign(status=hand.cameras["status"].mask(hand.cameras["camera_id"] == camera_id, status))


def _with(cameras: gpd.GeoDataFrame, row: Mapping[str, Any], at: int) -> gpd.GeoDataFrame:
    rows = cameras[_OWN].to_dict("records")
    rows.insert(at, {name: row[name] for name in _OWN})
    return gpd.GeoDataFrame(rows, columns=_OWN, geometry="geometry", crs=cameras.crs)


def _listed_with(listed: gpd.GeoDataFrame, row: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """Return the list with a row in place of the one of that name."""
    new = {"status": "planned", "azimuth_deg": math.nan, "hfov_deg": math.nan} | {
        name: row[name] for name in ("camera_id", "azimuth_deg", "hfov_deg", "geometry") if name in row
    }
    if row.get("status") == "forbidden":
        new["status"] = "forbidden"
    kept = listed[listed["camera_id"] != row["camera_id"]]
    made = gpd.GeoDataFrame([new], geometry="geometry", crs=listed.crs).reindex(columns=listed.columns)
    blank = {name: "" for name in listed.columns if made[name].isna().all() and listed[name].dtype == object}
    made = made.assign(**blank)
    return made if kept.empty else gpd.GeoDataFrame(pd.concat([kept, made], ignore_index=True), crs=listed.crs)


# ---- where a camera may be, and how it looks ----


def _look(hand: CameraHand, change: CameraChange) -> dict[str, float]:
    lenses = [*hand.settings.lens_hfov_deg, *([360.0] if hand.settings.ptz_cny else [])]
    if not math.isfinite(change.azimuth_deg) or change.hfov_deg not in lenses:
        known = [f"{lens:g}°" for lens in lenses]
        raise InputError(
            "cameras.hand.lens", azimuth=f"{change.azimuth_deg:g}", lens=f"{change.hfov_deg:g}", known=known
        )
    return {"azimuth_deg": round(change.azimuth_deg % 360, 1) % 360, "hfov_deg": change.hfov_deg}


def _place(hand: CameraHand, point: shapely.Point, *, but: str = "") -> shapely.Point:
    """Return where a camera put at a point really hangs."""
    if not all(math.isfinite(value) for value in shapely.get_coordinates(point).ravel()) or point.is_empty:
        raise InputError("cameras.hand.no_place")
    ground = hand.ground
    spot = _on_pole(hand, point, but)
    never = forbidden(hand.listed)
    if (close := never[never.distance(spot) <= FORBIDDEN_M]).size:
        why = close["note"].iloc[0] or close["camera_id"].iloc[0]
        raise InputError("cameras.hand.forbidden", metres=f"{FORBIDDEN_M:g}", why=why)
    walls = ground.buildings.iloc[ground.buildings.sindex.query(spot, "dwithin", distance=CLEAR_OF_WALLS_M)]
    if walls["is_dwelling"].any():
        raise InputError("cameras.hand.dwelling")
    if shapely.contains_properly(walls.geometry.to_numpy(), spot).any():
        raise InputError("cameras.hand.inside")
    if shapely.distance(ground.demand.areas.geometry.to_numpy(), spot).min() > AROUND_VILLAGE_M:
        raise InputError("cameras.hand.outside", metres=f"{AROUND_VILLAGE_M:g}")
    spot = off_walls(spot, walls)
    others = hand.cameras[(hand.cameras["camera_id"] != but) & (hand.cameras["status"] != "existing")]
    if (others.distance(spot) <= SAME_SPOT_M).sum() >= hand.settings.max_cameras_per_pole:
        raise InputError("cameras.hand.full", limit=hand.settings.max_cameras_per_pole)
    return spot


def _on_pole(hand: CameraHand, point: shapely.Point, but: str) -> shapely.Point:
    """Return the nearest pole within 3 m (a lamp, a power pole, where another new camera hangs), else the point."""
    places, others = hand.ground.places, hand.cameras[hand.cameras["camera_id"] != but]
    poles = [*places.geometry[places["kind"].isin(POLE_KINDS)], *others.geometry[others["status"] != "existing"]]
    distance = shapely.distance(np.array(poles, dtype=object), point)
    if len(poles) == 0 or distance.min() > SAME_POLE_M:
        return point
    return poles[int(np.argmin(distance))]


# ---- what the plan is then ----


def _restated(hand: CameraHand, cameras: gpd.GeoDataFrame) -> CameraHand:
    """Return the hand with cameras in another state: they see and cost what they did, so that nothing is scored."""
    return replace(hand, tables={**hand.tables, "cameras": cameras, **_emptied(hand)})


def _emptied(hand: CameraHand) -> dict[str, pd.DataFrame]:
    """Return the tables that spoke of the plan as the model had made it."""
    return {name: hand.tables[name].iloc[:0] for name in ("curve", "rollout")}


def _scored(hand: CameraHand, cameras: gpd.GeoDataFrame) -> CameraHand:
    """Return the hand with the tables of its plan made anew."""
    ground, settings = hand.ground, hand.settings
    standing = cameras.assign(status=np.where(cameras["status"] == "existing", "working", "planned"))
    scene = scene_of_cameras(
        standing, ground.demand, ground.buildings, ground.places, ground.private, settings=settings
    )  # fmt: skip
    every = np.arange(len(scene.configurations))
    best = Choice(every, scene.problem.share_pct(every), math.nan, "optimal")
    made = plan_tables(
        scene, best, ground.demand, ground.villages, ground.roads, ground.buildings, hand.listed, settings,
        known=hand.tables,
    )  # fmt: skip
    tables = with_history(made, cameras, hand.tables)
    cards = checklist(tables["cameras"], tables["views"], ground.places, ground.private, settings=settings)
    fewest = hand.tables["summary"].set_index("village_id")["fewest_cut"]  # the roads are as they were
    summary = summary_table(hand.tables["villages"], ground.demand, scene, best, tables, fewest)
    second = float(scene.problem.weight @ two_sided(scene.problem, scene.directions, every))
    emptied = _emptied(hand) | {"left_out": still_left_out(hand.tables["left_out"], hand.cameras, tables["cameras"])}
    tables["blind_spots"] = with_known_sites(tables["blind_spots"], hand.tables["blind_spots"])
    return replace(
        hand, tables={**hand.tables, **tables, "checklist": cards, "summary": summary, **emptied},
        covered_pct=best.objective, second_pct=scene.problem.pct(second),
    )  # fmt: skip
