"""Cameras of one village on the editing map: the houses around, what every camera sees, what stays unseen.

In:     a camera plan as hands left it (``models.cameras.hand.CameraHand``) and the station's tables.
Out:    ``ground``: the houses, roads and lenses; ``state``: cameras, views, entrances, blind spots; small tables.
"""

from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.catalogue import text
from gis_data.study import Study
from models.cameras.hand import CameraChange, CameraHand, VillageState, state_of
from models.cameras.visibility import Lens
from views import figures
from views.edit_map.ground import base, geojson, spot
from views.maps.cameras import SEEN_SIGN, UNSEEN_SIGN, blind_bands, close_layers, focus_of, of_village
from views.maps.layers import lat_lon

BLIND_SIMPLER_M = 0.7  # bands drawn this much simpler look the same and weigh a fifth

WORDS = ("camera", "hint", "add", "put", "azimuth", "lens", "here", "turn", "lock", "unlock", "remove")


def words() -> dict[str, str]:
    """Return the words of the toolbar."""
    return {name: text(f"edit_map.cameras.{name}") for name in WORDS}


def ground(
    hand: CameraHand, study: Study, tables: Mapping[str, gpd.GeoDataFrame], village_id: str
) -> dict[str, Any]:  # fmt: skip
    """Return the first view, the houses, water and roads around, the lenses with their reach, and two signs."""
    near = [of_village(table, village_id) for table in (hand.ground.demand.areas, hand.cameras)]
    focus = focus_of(near, study.crs)
    layers = [[geojson(whole.geometry.to_numpy(), whole.crs)[0], look] for whole, look in close_layers(tables, focus)]
    lenses = [
        {"hfov": hfov, "reach_m": Lens.of(hfov, hand.settings).reach_m(hand.settings.coverage_px_per_m)}
        for hfov in hand.settings.lens_hfov_deg
    ]
    if hand.settings.ptz_cny:
        lenses.append({"hfov": 360, "reach_m": hand.settings.ptz_reach_m})
    signs = {"seen": SEEN_SIGN, "unseen": UNSEEN_SIGN}
    return base(study, None, focus=focus) | {"layers": layers, "lenses": lenses, "signs": signs}


def state(hand: CameraHand, village_id: str) -> dict[str, Any]:
    """Return the village's cameras, what they see, its entrances, and the places that nobody sees (``open``)."""
    part = {
        name: of_village(hand.tables[name], village_id) for name in ("cameras", "views", "entrances", "blind_spots")
    }
    cameras, entrances, blind = part["cameras"], part["entrances"], part["blind_spots"]
    views = part["views"][~part["views"].geometry.is_empty]
    unseen = entrances[~entrances["seen"].astype(bool)]
    middles = gpd.GeoSeries(gpd.points_from_xy(blind["x"], blind["y"]), crs=hand.cameras.crs)
    return {
        "cameras": [
            _camera(row, at) for row, at in zip(figures.records(cameras), lat_lon(cameras.geometry), strict=True)
        ],
        "views": list(zip(views["level"], geojson(views.geometry.to_numpy(), views.crs), strict=True)),
        "entrances": [
            {"at": at, "seen": bool(row["seen"]), "tip": _entrance_tip(row)}
            for row, at in zip(figures.records(entrances), lat_lon(entrances.geometry), strict=True)
        ],
        "blind": geojson(_filled(blind_bands(blind)), blind.crs),
        "open": lat_lon(unseen.geometry) or lat_lon(middles),
    }


def _filled(shapes: gpd.GeoSeries) -> Any:  # noqa: ANN401 - an array of shapes
    whole = shapely.simplify(shapes.to_numpy(), BLIND_SIMPLER_M)
    return whole[~shapely.is_empty(whole)]


def _camera(row: Mapping[str, Any], at: list[float]) -> dict[str, Any]:
    tip = text(
        "edit_map.cameras.tip", azimuth=f"{row['azimuth_deg']:.0f}", lens=f"{row['hfov_deg']:.0f}",
        state=text(f"edit_map.cameras.status.{row['status']}"), gain=f"{row['gain_pct']:.1f}",
    )  # fmt: skip
    known = pd.notna(row["azimuth_deg"])
    return {
        "id": str(row["camera_id"]), "at": at, "azimuth": float(row["azimuth_deg"]) if known else 0.0,
        "hfov": float(row["hfov_deg"]) if pd.notna(row["hfov_deg"]) else 0.0, "turns": bool(row["turns"]) or not known,
        "fixed": row["status"] == "existing", "by_hand": row["status"] == "by_hand", "tip": tip,
    }  # fmt: skip


def _entrance_tip(row: Mapping[str, Any]) -> str:
    seen = "seen" if row["seen"] else "unseen"
    return text(f"edit_map.cameras.entrance_{seen}", entrance=row["entrance_id"], road=row["road"] or figures.DASH)


def change_of(event: Mapping[str, Any], study: Study) -> CameraChange:
    """Return the change that an event of the map asks for; it is checked where it is made."""
    kind, camera = str(event["kind"]), str(event.get("camera", ""))
    if kind not in ("move", "add"):
        return CameraChange(kind, camera)
    place = spot(event["at"], study)
    azimuth, lens = float(event["azimuth"]), float(event["hfov"])
    return CameraChange(kind, camera if kind == "move" else "", place.x, place.y, azimuth, lens)


def edit_words(change: CameraChange) -> str:
    """Say what a change does, in one line."""
    return text(f"edit_map.camera_edit.{change.kind}", camera=change.camera_id)


def villages(hand: CameraHand) -> dict[str, str]:
    """Return the villages with cameras: id and name."""
    summary = hand.tables["summary"]
    return dict(zip(summary["village_id"], summary["name"], strict=True))


def village_table(before: CameraHand, after: CameraHand, village_id: str) -> pd.DataFrame:
    """Return how a village's cameras stand, before the edits and after them; the index holds the figures' keys."""
    first, last = (state_of(hand, village_id) for hand in (before, after))
    stages = {"before": first} if after is before else {"before": first, "after": last}
    rows = [
        {"figure": text(f"edit_map.village.{key}")} | {name: shown(stage) for name, stage in stages.items()}
        for key, shown in _FIGURES.items()
    ]
    return pd.DataFrame(rows, index=list(_FIGURES)).rename(columns=lambda key: text(f"page.hand.column.{key}"))


_FIGURES: dict[str, Callable[[VillageState], str]] = {
    "covered": lambda now: figures.percent(now.covered_pct),
    "seen": lambda now: f"{now.seen_m:,.0f} / {now.road_m:,.0f}",
    "at_night": lambda now: f"{now.seen_at_night_m:,.0f}",
    "blind": lambda now: f"{now.blind_m:,.0f}",
    "entrances": lambda now: f"{now.entrances_seen} / {now.entrances}",
    "entrances_at_night": lambda now: f"{now.entrances_seen_at_night} / {now.entrances}",
    "cameras": lambda now: f"{now.cameras}",
    "cost": lambda now: f"{now.cost_cny:,.0f}",
    "all_villages": lambda now: f"{now.all_villages_cny:,.0f}",
    "private": lambda now: f"{now.private_m2:,.0f}",
}


def open_entrances(hand: CameraHand, village_id: str) -> tuple[str, ...]:
    """Return the entrances that no camera watches."""
    return state_of(hand, village_id).open_entrances
