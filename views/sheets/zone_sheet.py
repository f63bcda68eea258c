"""Zone sheet (巡区图): the map a crew carries, at a true 1:n, and on its back the zone's card, beats and checkpoints.

In:     a study, its ground tables, the plan "zones", and "scorecard", "hotspots", "beats" where they exist.
Out:    two pages a zone, alone as one PDF or inside the map book. Nothing is computed here but words.
"""

import datetime
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from gis_data.catalogue import Language, language, speaking, text
from gis_data.errors import InputError
from gis_data.progress import Progress, silent
from gis_data.study import Study
from gis_data.tables import STANDING
from models.plan import Plan
from models.recent import Recent
from views.sheets.beat_page import beat_blocks, of_zone
from views.sheets.content import MapPage, TextPage, write_sheets
from views.sheets.divided import with_parts
from views.sheets.drawing import Scene
from views.sheets.frame import fit
from views.sheets.imprint import Imprint
from views.sheets.zone_card import card_blocks
from views.sheets.zone_map import draw_zone

GROUND = ("roads", "water", "buildings", "villages", "barriers", "crossings", "places", "cameras")


def zone_pages(
    study: Study,
    ground: Mapping[str, gpd.GeoDataFrame],
    plans: Mapping[str, Plan],
    zone_id: str,
    *,
    paper: str = "A4",
    scale: int = 0,
    recent: Recent | None = None,
) -> tuple[MapPage, TextPage]:
    """Return front and back of a zone's leaf.

    Parameters
    ----------
    ground
        The tables named in ``GROUND``, in the study's CRS.
    plans
        "zones", and "scorecard", "hotspots", "beats" and "cameras" where they exist.
    paper, scale
        "A4" or "A3"; the scale to draw at, 0 for the largest of the series that fits.
    recent
        The last weeks, for the card.

    Raises
    ------
    InputError
        If there is no such zone, or no zones at all.
    InfeasibleError
        If the zone is too large for the chosen scale, or for any.
    """
    scene = scene_of(ground, plans, zone_id, crs=study.crs)
    front = map_page(scene, text("sheet.title", town=study.name, zone=zone_id), paper=paper, scale=scale)
    layout = front.layout
    blocks = (*card_blocks(scene, plans, recent), *beat_blocks(plans.get("beats"), zone_id, crs=study.crs))
    back = text("sheet.back.title", town=study.name, zone=zone_id)
    lying = layout.width > layout.height  # as its front, or the leaf would have to be turned twice
    return front, TextPage(back, blocks, text("sheet.back.subtitle"), paper=paper, lying=lying, fit=True, level=2)


def map_page(scene: Scene, title: str, *, paper: str, scale: int = 0) -> MapPage:
    """Return the map of a scene on the front of a leaf."""
    layout, window = fit(scene.area, paper=paper, scale=scale)
    anchor = f"zone-{scene.zone_id}" if scene.zone_id else ""
    return MapPage(title, layout, window, draw_zone(scene, window), odd=True, anchor=anchor)


def scene_of(
    ground: Mapping[str, gpd.GeoDataFrame], plans: Mapping[str, Plan], zone_id: str, *, crs: str
) -> Scene:  # fmt: skip
    """Return what may appear on the map of a zone, or of the town (``zone_id`` "").

    Raises
    ------
    InputError
        If there is no such zone, or no zones at all.
    """
    zones = zones_of(plans)
    if zone_id and zone_id not in set(zones["zone_id"]):
        raise InputError("sheet.no_zone", found=zone_id, known=", ".join(zones["zone_id"]))
    beats, checkpoints = of_zone(plans.get("beats"), zone_id, crs=crs)
    ground = {**ground, "villages": with_parts(ground["villages"], plans["zones"])}
    units = plans["zones"].tables["units"]
    cameras = cameras_of(plans, ground, crs=crs)
    return Scene(zone_id, zones, units, hotspots_of(plans, zones), beats, checkpoints, cameras, ground)


def write_zone_sheet(
    study: Study,
    ground: Mapping[str, gpd.GeoDataFrame],
    plans: Mapping[str, Plan],
    zone_id: str,
    path: Path,
    *,
    printed_on: datetime.date,
    audit: str = "",
    paper: str = "A4",
    scale: int = 0,
    recent: Recent | None = None,
    lang: Language | None = None,
) -> Path:
    """Write the leaf of one zone (see ``zone_pages``); the same date and audit hash give the same bytes."""
    with speaking(lang or language()):
        pages = zone_pages(study, ground, plans, zone_id, paper=paper, scale=scale, recent=recent)
        imprint = Imprint.of(study, plans["zones"], audit=audit, printed_on=printed_on)
        return write_sheets(imprint, pages[0].title, pages, path)


def write_all_zone_sheets(
    study: Study,
    ground: Mapping[str, gpd.GeoDataFrame],
    plans: Mapping[str, Plan],
    folder: Path,
    *,
    printed_on: datetime.date,
    audit: str = "",
    lang: Language | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write the leaf of every zone into a folder and return their paths in the zones' order."""
    names = list(zones_of(plans)["zone_id"])
    with speaking(lang or language()):
        paths = [folder / text("sheet.file", zone=name) for name in names]
    for done, (name, path) in enumerate(zip(names, paths, strict=True)):
        progress("command.step.sheets", done / len(names))
        write_zone_sheet(study, ground, plans, name, path, printed_on=printed_on, audit=audit, lang=lang)
    progress("command.step.sheets", 1.0)
    return paths


def zones_of(plans: Mapping[str, Plan]) -> gpd.GeoDataFrame:
    """Return the zones' table.

    Raises
    ------
    InputError
        If there is no plan "zones".
    """
    if "zones" not in plans:
        raise InputError("sheet.no_plan", plan="zones")
    table: gpd.GeoDataFrame = plans["zones"].to_frame()
    return table


def hotspots_of(plans: Mapping[str, Plan], zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the hotspots that are more than chance; heaps that chance would make too are no business of a crew."""
    if "hotspots" in plans:
        table = plans["hotspots"].to_frame()
        return table[table["is_hotspot"]]
    return gpd.GeoDataFrame({"hotspot_id": [], "peak_hours": []}, geometry=[], crs=zones.crs)


def cameras_of(plans: Mapping[str, Plan], ground: Mapping[str, gpd.GeoDataFrame], *, crs: str) -> gpd.GeoDataFrame:
    """Return the places with cameras, one row a place: those that stand (``ground["cameras"]``) and those planned."""
    empty = gpd.GeoDataFrame({"planned": []}, geometry=[], crs=crs)
    known = ground.get("cameras", empty.assign(status=""))
    places = [(False, point) for point in dict.fromkeys(known.geometry[known["status"].isin(STANDING)])]
    if "cameras" in plans:
        new = plans["cameras"].to_frame()
        new = new[new["status"] != "existing"].drop_duplicates("site_id")
        places += [(True, point) for point in new.geometry]
    shapes = gpd.GeoSeries([point for _, point in places], crs=crs)
    return gpd.GeoDataFrame({"planned": [planned for planned, _ in places]}, geometry=shapes) if places else empty
