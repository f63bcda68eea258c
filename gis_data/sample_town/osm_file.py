"""The ground as an OpenStreetMap extract (.osm): nodes shared at junctions, ways in the order of their numbers.

In:     roads, barriers and things of the town, in metres from the anchor.
Out:    one XML file of version 0.6. Equal points are one node, so that roads meet where they are meant to.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.sample_town import layout, reference
from gis_data.sample_town.roads import Ground

LANE_TAGS = {"surface": "concrete"}
TRACK_TAGS = {"surface": "earth", "tracktype": "grade4"}
CROSSING_TAGS = {
    "bridge": {"bridge": "yes", "layer": "1"},
    "underpass": {"tunnel": "yes", "layer": "-1"},
    "": {},
}
SPEED = {"primary": "60", "secondary": "50", "tertiary": "40"}
FIRST_NODE, FIRST_WAY = 1, 1_000_000
HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="sample town">\n<note>{mark}</note>\n'


def write_osm(path: Path, roads: gpd.GeoDataFrame, ground: Ground, things: gpd.GeoDataFrame) -> Path:
    """Write the extract and return its path."""
    features = pd.concat(
        [_road_features(roads), _barrier_features(ground), things[["tags", "geometry"]]], ignore_index=True
    )
    shapes = features["geometry"].to_numpy()
    rings = np.array([shape.exterior if shape.geom_type == "Polygon" else shape for shape in shapes], dtype=object)
    xy, feature = shapely.get_coordinates(rings, return_index=True)
    degrees = np.round(reference.to_degrees(xy), 7)
    distinct, node = np.unique(degrees, axis=0, return_inverse=True)
    node = node.ravel()
    is_point = shapely.get_type_id(rings) == shapely.GeometryType.POINT
    starts = np.searchsorted(feature, np.arange(len(features) + 1))
    tags = features["tags"].tolist()
    point_tags = {int(node[starts[k]]): tags[k] for k in np.flatnonzero(is_point)}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(HEADER.format(mark=reference.MARK))
        file.writelines(_nodes(distinct, point_tags))
        file.writelines(_ways(node, starts, tags, is_point))
        file.write("</osm>\n")
    return path


def _road_features(roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return ways: neighbouring pieces of one line with the same tags become one way."""
    columns = ["highway", "name", "ref", "lit", "crossing"]
    tags = [_road_tags(*row) for row in roads[columns].itertuples(index=False)]
    rows: list[dict[str, object]] = []
    chain: list[np.ndarray] = []
    before: tuple[object, ...] | None = None
    for line, order, found in zip(roads.geometry, roads["order"], tags, strict=True):
        xy = np.array(line.coords)
        key = (order, tuple(found.items()))
        if key == before and (chain[-1][-1] == xy[0]).all():
            chain.append(xy[1:])
            continue
        if chain:
            rows[-1]["geometry"] = shapely.linestrings(np.vstack(chain))
        rows.append({"tags": found})
        chain, before = [xy], key
    rows[-1]["geometry"] = shapely.linestrings(np.vstack(chain))
    return pd.DataFrame(rows)


def _road_tags(highway: str, name: str, ref: str, lit: bool, crossing: str) -> Mapping[str, str]:
    tags = {"highway": highway} | {key: value for key, value in (("name", name), ("ref", ref)) if value}
    if highway in SPEED:
        tags["maxspeed"] = SPEED[highway]
    tags |= TRACK_TAGS if highway == "track" else LANE_TAGS
    return tags | ({"lit": "yes"} if lit else {}) | CROSSING_TAGS[crossing]


def _barrier_features(ground: Ground) -> pd.DataFrame:
    lanes = [{"highway": "motorway", "oneway": "yes", "name": layout.EXPRESSWAY_NAME, "ref": "G9901"}] * 2
    directions = (ground.expressway[0], shapely.reverse(ground.expressway[1]))
    rivers = [(layout.MAIN_RIVER_NAME, ground.river), *ground.streams.items()]
    return pd.DataFrame(
        {
            "tags": [*lanes, *({"waterway": "river", "name": name} for name, _ in rivers)],
            "geometry": [*directions, *(line for _, line in rivers)],
        }
    )


def _nodes(degrees: np.ndarray, tags: Mapping[int, Mapping[str, str]]) -> Iterator[str]:
    for number, (lon, lat) in enumerate(degrees.tolist()):
        head = f'<node id="{FIRST_NODE + number}" version="1" lat="{lat:.7f}" lon="{lon:.7f}"'
        yield f"{head}>{_tag_lines(tags[number])}</node>\n" if number in tags else f"{head}/>\n"


def _ways(node: np.ndarray, starts: np.ndarray, tags: list[Mapping[str, str]], is_point: np.ndarray) -> Iterator[str]:
    for number, k in enumerate(np.flatnonzero(~is_point)):
        refs = "".join(f'<nd ref="{FIRST_NODE + at}"/>' for at in node[starts[k] : starts[k + 1]])
        yield f'<way id="{FIRST_WAY + number}" version="1">{refs}{_tag_lines(tags[k])}</way>\n'


def _tag_lines(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())
