"""OpenStreetMap extracts: from .osm, .osm.pbf or layer files to the ground tables.

In:     one extract, or layer files (GeoPackage, GeoParquet, shapefile) whose columns are OSM tags.
Out:    three frames of tagged lines, polygons and points in the study's CRS; from them the tables roads, barriers,
        crossings, buildings, water, landuse and places.
"""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gis_data.barriers import find_barriers, find_crossings
from gis_data.errors import CrsError, InputError
from gis_data.streets import road_table
from gis_data.study import Study
from gis_data.tables import BUILDINGS, LANDUSE, PLACES, WATER

Layers = dict[str, gpd.GeoDataFrame]

TAGS = (
    "name", "highway", "waterway", "railway", "bridge", "tunnel", "layer", "oneway", "junction", "maxspeed", "surface",
    "tracktype", "lit", "access", "service", "building", "levels", "landuse", "leisure", "natural", "water", "amenity",
    "shop", "power", "place", "man_made", "industrial", "tourism", "office",
)  # fmt: skip
SHAPES = {
    "lines": {"LineString", "MultiLineString"},
    "polygons": {"Polygon", "MultiPolygon"},
    "points": {"Point"},
}
MARGIN_M = 1000.0  # roads just outside the boundary still lead around a river

DWELLINGS = frozenset(
    {
        "house", "residential", "apartments", "detached", "farm", "semidetached_house", "semi", "terrace", "bungalow",
        "dormitory", "cabin", "villa",
    }
)  # fmt: skip
# «building=yes» says nothing: most mappers write it on houses. It counts as a dwelling unless it is tagged as something
# else, stands on ground where nobody lives, or is too small to live in.
NOBODY_LIVES_ON = frozenset(
    {"industrial", "commercial", "retail", "railway", "military", "quarry", "landfill", "construction", "cemetery"}
)
LEAST_DWELLING_M2 = 20.0
VENUES = frozenset({"restaurant", "bar", "pub", "cafe", "fast_food", "nightclub", "karaoke_box", "internet_cafe"})
KIND_OF_AMENITY = {
    "marketplace": "market", "school": "school", "kindergarten": "school", "college": "school", "hospital": "hospital",
    "clinic": "hospital", "bank": "bank", "police": "police", "fuel": "fuel", "bus_station": "bus_station",
    "townhall": "townhall", "place_of_worship": "worship", "recycling": "scrap_site",
} | dict.fromkeys(VENUES, "venue")  # fmt: skip


def read_extract(paths: Path | Iterable[Path], *, boundary: gpd.GeoSeries | None, crs: str) -> Layers:
    """Read tagged lines, polygons and points.

    Parameters
    ----------
    paths
        One extract or several layer files.
    boundary
        What to keep: features that touch it or lie within a kilometre; everything if None.
    crs
        The study's metre CRS.

    Raises
    ------
    InputError
        If a file cannot be read.
    CrsError
        If a layer file names no CRS.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    near = None if boundary is None else shapely.union_all(boundary.to_crs(crs).buffer(MARGIN_M).to_numpy())
    shapely.prepare(near)
    parts: dict[str, list[gpd.GeoDataFrame]] = {name: [] for name in SHAPES}
    for path in files:
        for frame in _raw_layers(path):
            metric = frame.to_crs(crs)
            kept = metric if near is None else metric[shapely.intersects(near, metric.geometry.to_numpy())]
            for name, types in SHAPES.items():
                fits = kept[kept.geometry.geom_type.isin(types)]
                if len(fits):
                    parts[name].append(_with_all_tags(fits))
    return {name: _joined(frames, crs) for name, frames in parts.items()}


def ground_tables(layers: Mapping[str, gpd.GeoDataFrame], study: Study) -> dict[str, gpd.GeoDataFrame]:
    """Turn tagged lines, polygons and points into the ground tables of the study."""
    lines, polygons, points = (_once(layers[name]) for name in SHAPES)
    roads = road_table(lines[lines["highway"] != ""], crs=study.crs)
    barriers = find_barriers(lines, roads, crs=study.crs)
    return {
        "roads": roads,
        "barriers": barriers,
        "crossings": find_crossings(barriers, roads, crs=study.crs),
        "buildings": _buildings(polygons, study.crs),
        "water": _water(polygons, study.crs),
        "landuse": _landuse(polygons, study.crs),
        "places": _places(points, polygons, study.crs),
    }


def _raw_layers(path: Path) -> list[gpd.GeoDataFrame]:
    if not path.exists():
        raise InputError("intake.missing_file", file=path)
    try:
        if path.suffix.lower() in {".osm", ".pbf"}:
            return _osm_layers(path)
        if path.suffix.lower() == ".parquet":
            return [_require_crs(gpd.read_parquet(path), path)]
        names = [name for name, _ in pyogrio.list_layers(path)]
        return [_require_crs(gpd.read_file(path, layer=name), path) for name in names]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as problem:
        raise InputError("intake.damaged", file=path.name) from problem


def _osm_layers(path: Path) -> list[gpd.GeoDataFrame]:
    config = str(Path(__file__).with_name("osmconf.ini"))
    with warnings.catch_warnings():
        # A ring that a mapper left open, or an extract cut through: GDAL says so and leaves that one polygon out.
        warnings.filterwarnings("ignore", "Non closed ring detected", RuntimeWarning)
        return [gpd.read_file(path, layer=name, CONFIG_FILE=config) for name in ("lines", "multipolygons", "points")]


def _require_crs(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    if frame.crs is None:
        raise CrsError("crs.absent", file=path.name)
    return frame


def _with_all_tags(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    named = frame.rename(columns={"building:levels": "levels"})
    blank = pd.Series("", index=named.index)
    columns = {tag: named.get(tag, blank) for tag in TAGS} | {"osm_id": _osm_id(named)}
    clean = {tag: values.astype(object).where(values.notna(), "").astype(str) for tag, values in columns.items()}
    return gpd.GeoDataFrame(clean, geometry=named.geometry, crs=frame.crs)


def _osm_id(frame: gpd.GeoDataFrame) -> pd.Series:
    """Return the ids; of polygons those made from relations are negative, because ways have the same numbers."""
    if "osm_id" not in frame:
        return pd.Series("", index=frame.index)
    if "osm_way_id" not in frame:
        return frame["osm_id"]
    relation = frame["osm_id"].astype(object)
    return ("-" + relation.astype(str)).where(relation.notna() & (relation != ""), frame["osm_way_id"].astype(object))


def _once(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return each feature once, with the tags of all copies: layer files overlap (a pond is water and land use)."""
    copies = frame.assign(shape=frame.geometry.to_wkb())
    again = copies.duplicated(["osm_id", "shape"], keep=False) & (copies["osm_id"] != "")
    if not again.any():
        return frame
    tags = copies[again].replace("", pd.NA).groupby(["osm_id", "shape"], sort=False)[list(TAGS)].first().fillna("")
    flat = tags.reset_index()
    merged = gpd.GeoDataFrame(flat.drop(columns="shape"), geometry=gpd.GeoSeries.from_wkb(flat["shape"], crs=frame.crs))
    return gpd.GeoDataFrame(pd.concat([frame[~again], merged], ignore_index=True))


def _joined(frames: list[gpd.GeoDataFrame], crs: str) -> gpd.GeoDataFrame:
    if frames:
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=crs)
    return gpd.GeoDataFrame({tag: pd.Series([], dtype=str) for tag in (*TAGS, "osm_id")}, geometry=[], crs=crs)


def _buildings(polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    found = _areas(polygons[(polygons["building"] != "") & (polygons["building"] != "no")])
    table = found.assign(
        building_id=range(len(found)),
        kind=found["building"],
        levels=pd.to_numeric(found["levels"].str.extract(r"^(\d+\.?\d*)")[0], errors="coerce"),
        is_dwelling=found["building"].isin(DWELLINGS) | _unnamed_dwelling(found, polygons),
    )
    return BUILDINGS.conform(table, crs=crs)


def _unnamed_dwelling(buildings: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame) -> pd.Series:
    used = (buildings[["amenity", "shop", "office", "tourism", "man_made", "leisure", "power"]] != "").any(
        axis="columns"
    )
    empty_ground = _areas(polygons[polygons["landuse"].isin(NOBODY_LIVES_ON)])
    middle = buildings.geometry.representative_point()
    stands, _ = shapely.STRtree(empty_ground.geometry.to_numpy()).query(middle.to_numpy(), predicate="intersects")
    lonely = pd.Series(np.isin(np.arange(len(buildings)), stands), index=buildings.index)
    return buildings["building"].eq("yes") & ~used & ~lonely & (buildings.area >= LEAST_DWELLING_M2)


def _water(polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    wet = (polygons["natural"] == "water") | polygons["water"].ne("") | polygons["landuse"].isin({"reservoir", "basin"})
    found = _areas(polygons[wet | polygons["waterway"].isin({"riverbank", "dock"})])
    return WATER.conform(found.assign(water_id=range(len(found))), crs=crs)


def _landuse(polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    kind = polygons["landuse"].where(polygons["landuse"] != "", polygons["leisure"])
    kind = kind.where(kind != "", polygons["natural"])
    found = _areas(polygons.assign(kind=kind)[(kind != "") & (kind != "water")])
    return LANDUSE.conform(found.assign(landuse_id=range(len(found))), crs=crs)


def _places(points: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    middles = polygons.assign(geometry=polygons.geometry.representative_point())
    both = gpd.GeoDataFrame(pd.concat([points, middles], ignore_index=True), crs=crs)
    found = both.assign(kind=_kind(both))
    found = found[found["kind"] != ""].reset_index(drop=True)
    return PLACES.conform(found.assign(place_id=range(len(found))), crs=crs)


def _kind(frame: gpd.GeoDataFrame) -> pd.Series:
    kind = frame["amenity"].map(KIND_OF_AMENITY).fillna("")
    rules = (
        (frame["shop"] != "", "shop"),
        (frame["man_made"] == "works", "factory"),
        (frame["man_made"].isin({"water_well", "pump"}), "well"),
        (frame["industrial"] == "scrap_yard", "scrap_site"),
        (frame["landuse"] == "industrial", "industrial_park"),
        (frame["power"].isin({"pole", "tower"}), "pole"),
        (frame["power"].isin({"transformer", "substation"}), "transformer"),
        (frame["highway"] == "street_lamp", "lamp"),
        (frame["highway"] == "bus_stop", "bus_stop"),
        (frame["tourism"] == "hotel", "hotel"),
        (frame["building"].isin({"industrial", "factory"}), "factory"),
        (frame["building"] == "greenhouse", "greenhouse"),
    )
    for applies, name in rules:
        kind = kind.where((kind != "") | ~applies, name)
    return kind


def _areas(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the polygons mended (crossed rings are common in OSM); what has no area left is dropped."""
    shapes = shapely.make_valid(frame.geometry.to_numpy())
    for at in np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION):
        shapes[at] = shapely.union_all([part for part in shapes[at].geoms if shapely.get_dimensions(part) == 2])
    mended = frame.assign(geometry=shapes)
    return mended[shapely.get_dimensions(shapes) == 2].reset_index(drop=True)
