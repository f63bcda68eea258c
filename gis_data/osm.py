"""OpenStreetMap extracts: from .osm, .osm.pbf or layer files to the ground tables.

In:     one extract, or layer files (GeoPackage, GeoParquet, shapefile) whose columns are OSM tags.
Out:    three frames of tagged lines, polygons and points in the study's CRS; from them the tables roads, barriers,
        crossings, buildings, water, landuse and places.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import geopandas as gpd
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
    "name", "highway", "waterway", "railway", "bridge", "tunnel", "layer", "oneway", "maxspeed", "surface", "lit",
    "access", "service", "building", "levels", "landuse", "leisure", "natural", "water", "amenity", "shop", "power",
    "place", "man_made", "tourism", "office",
)  # fmt: skip
SHAPES = {
    "lines": {"LineString", "MultiLineString"},
    "polygons": {"Polygon", "MultiPolygon"},
    "points": {"Point"},
}
MARGIN_M = 1000.0  # roads just outside the boundary still lead around a river

DWELLINGS = frozenset(
    {"yes", "house", "residential", "apartments", "detached", "farm", "semidetached_house", "terrace"}
)
VENUES = frozenset({"restaurant", "bar", "pub", "cafe", "fast_food", "nightclub", "karaoke_box", "internet_cafe"})
KIND_OF_AMENITY = {
    "marketplace": "market", "school": "school", "kindergarten": "school", "college": "school", "hospital": "hospital",
    "clinic": "hospital", "bank": "bank", "police": "police", "fuel": "fuel", "bus_station": "bus_station",
    "townhall": "townhall", "place_of_worship": "worship",
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
    parts: dict[str, list[gpd.GeoDataFrame]] = {name: [] for name in SHAPES}
    for path in files:
        for frame in _raw_layers(path):
            metric = frame.to_crs(crs)
            kept = metric if near is None else metric[metric.intersects(near)]
            for name, types in SHAPES.items():
                fits = kept[kept.geometry.geom_type.isin(types)]
                if len(fits):
                    parts[name].append(_with_all_tags(fits))
    return {name: _joined(frames, crs) for name, frames in parts.items()}


def ground_tables(layers: Mapping[str, gpd.GeoDataFrame], study: Study) -> dict[str, gpd.GeoDataFrame]:
    """Turn tagged lines, polygons and points into the ground tables of the study."""
    lines, polygons, points = layers["lines"], layers["polygons"], layers["points"]
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
        if path.suffix in {".osm", ".pbf"}:
            return _osm_layers(path)
        if path.suffix == ".parquet":
            return [_require_crs(gpd.read_parquet(path), path)]
        names = [name for name, _ in pyogrio.list_layers(path)]
        return [_require_crs(gpd.read_file(path, layer=name), path) for name in names]
    except (pyogrio.errors.DataSourceError, OSError, ValueError) as problem:
        raise InputError("intake.damaged", file=path.name) from problem


def _osm_layers(path: Path) -> list[gpd.GeoDataFrame]:
    pyogrio.set_gdal_config_options({"OSM_CONFIG_FILE": str(Path(__file__).with_name("osmconf.ini"))})
    return [gpd.read_file(path, layer=name) for name in ("lines", "multipolygons", "points")]


def _require_crs(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    if frame.crs is None:
        raise CrsError("crs.absent", file=path.name)
    return frame


def _with_all_tags(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    named = frame.rename(columns={"building:levels": "levels"})
    ids = named["osm_id"] if "osm_id" in named else pd.Series("", index=named.index)
    ids = ids.where(ids.notna(), named.get("osm_way_id", ""))
    columns = {tag: named[tag] if tag in named else pd.Series("", index=named.index) for tag in TAGS}
    clean = {tag: values.astype(object).where(values.notna(), "").astype(str) for tag, values in columns.items()}
    return gpd.GeoDataFrame(clean | {"osm_id": ids.astype(object).astype(str)}, geometry=named.geometry, crs=frame.crs)


def _joined(frames: list[gpd.GeoDataFrame], crs: str) -> gpd.GeoDataFrame:
    if frames:
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=crs)
    return gpd.GeoDataFrame({tag: pd.Series([], dtype=str) for tag in (*TAGS, "osm_id")}, geometry=[], crs=crs)


def _buildings(polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    found = polygons[(polygons["building"] != "") & (polygons["building"] != "no")].reset_index(drop=True)
    table = found.assign(
        building_id=range(len(found)),
        kind=found["building"],
        levels=pd.to_numeric(found["levels"].str.extract(r"^(\d+\.?\d*)")[0], errors="coerce"),
        is_dwelling=found["building"].isin(DWELLINGS),
        geometry=_valid_polygons(found),
    )
    return BUILDINGS.conform(table, crs=crs)


def _water(polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    wet = (polygons["natural"] == "water") | polygons["water"].ne("") | polygons["landuse"].isin({"reservoir", "basin"})
    found = polygons[wet | (polygons["waterway"] == "riverbank")].reset_index(drop=True)
    return WATER.conform(found.assign(water_id=range(len(found)), geometry=_valid_polygons(found)), crs=crs)


def _landuse(polygons: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    kind = polygons["landuse"].where(polygons["landuse"] != "", polygons["leisure"])
    kind = kind.where(kind != "", polygons["natural"])
    found = polygons.assign(kind=kind)[(kind != "") & (kind != "water")].reset_index(drop=True)
    return LANDUSE.conform(found.assign(landuse_id=range(len(found)), geometry=_valid_polygons(found)), crs=crs)


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
        (frame["landuse"] == "industrial", "industrial_park"),
        (frame["power"] == "pole", "pole"),
        (frame["highway"] == "street_lamp", "lamp"),
        (frame["highway"] == "bus_stop", "bus_stop"),
        (frame["tourism"] == "hotel", "hotel"),
        (frame["building"].isin({"industrial", "factory"}), "factory"),
        (frame["building"] == "greenhouse", "greenhouse"),
    )
    for applies, name in rules:
        kind = kind.where((kind != "") | ~applies, name)
    return kind


def _valid_polygons(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    mended = frame.geometry.make_valid()
    is_mix = mended.geom_type == "GeometryCollection"
    if is_mix.any():
        parts = [shapely.union_all([p for p in shape.geoms if "Polygon" in p.geom_type]) for shape in mended[is_mix]]
        mended.loc[is_mix] = parts
    return mended
