"""Which names stand on a zone's map, and in which order they choose their place.

In:     a drawing whose layers lie on paper.
Out:    labels with their place, ready for the template.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import geopandas as gpd
import shapely

from gis_data.catalogue import text
from views.sheets.drawing import Drawing
from views.sheets.index_grid import grid_lines, squares
from views.sheets.labels import Label, place_labels
from views.sheets.symbols import CHECKPOINT_MM, MAIN_ROADS

MARKER_MM, POST_MM = 1.4, 2.0
BESIDE_MM = 0.7  # between a checkpoint's disc and a name, or its number reads as part of the name
SHORTEST_NAMED_LINE_MM = 25.0
SMALLEST_NAMED_ZONE_MM2 = 300.0
LARGEST_REACH_MM = 12.0
EDGE_LABEL_MM = (8.0, 2.6)
INDEX_LABEL_MM = (4.0, 3.6)


def labels(drawing: Drawing, furniture: Sequence[shapely.Geometry]) -> list[dict[str, Any]]:
    """Place all names of a map; ``furniture`` is what lies on the map and must stay clear."""
    frame = drawing.window.frame
    mine, far = drawing.villages
    own: dict[str, Any] = {"size_pt": 8.5, "weight": 700} if drawing.scene.zone_id else {"size_pt": 6.5, "must": False}
    wanted = [
        *_beats(drawing),
        *_post(drawing),
        *_hotspots(drawing),
        *_villages(mine, style="name", **own),
        *_zones(drawing),
        *_lines(drawing.layers["barriers"], "kind", ("river",), size_pt=7.5, style="water"),
        *_lines(drawing.layers["roads"], "road_class", MAIN_ROADS, size_pt=6.5, style="road"),
        *_villages(far, size_pt=6.5, style="far", must=False),
    ]
    if not drawing.scene.zone_id:  # on the map of the town the zones' names come first
        wanted.sort(key=lambda label: label.style != "town_zone")
    placed = place_labels(
        wanted, width_mm=frame.width, height_mm=frame.height,
        keep_clear=[*furniture, *index_boxes(drawing), *_markers(drawing)], rather_not=_rather_not(drawing),
    )  # fmt: skip
    taken = [*furniture, *(one.box for one in placed)]
    return [asdict(one) for one in placed] + _numbers(drawing) + edge_labels(drawing, taken)


def clock_hours(hours: str) -> str:
    """Write "22-02" as "22:00–02:00"; other words stay as they are."""
    return re.sub(r"\b(\d\d)-(\d\d)\b", r"\1:00–\2:00", hours)


def _markers(drawing: Drawing) -> list[shapely.Geometry]:
    mine, far = drawing.villages
    points = [*mine.geometry, *far.geometry, *(point for _, point in drawing.places)]
    posts = [post.buffer(POST_MM) for post in drawing.posts]
    discs = [shapely.Point(xy).buffer(CHECKPOINT_MM + BESIDE_MM) for xy in drawing.discs]
    return [point.buffer(MARKER_MM) for point in points] + posts + discs


def _rather_not(drawing: Drawing) -> list[shapely.Geometry]:
    main = drawing.layers["roads"]["road_class"].isin(MAIN_ROADS).to_numpy()
    edges = [spot.boundary for spot in drawing.spots.geometry]
    edges += [point.buffer(MARKER_MM) for point in drawing.cameras.geometry]
    return [*drawing.shapes("roads")[main], drawing.outline.boundary, *edges]


def _villages(villages: gpd.GeoDataFrame, **style: Any) -> list[Label]:  # noqa: ANN401 - a label's own fields
    ordered = villages.sort_values(["population", "village_id"], ascending=[False, True])
    return [Label(name, p.x, p.y, **style) for name, p in zip(ordered["name"], ordered.geometry, strict=True)]


def _post(drawing: Drawing) -> list[Label]:
    if not drawing.scene.zone_id:
        return []
    return [Label(text("sheet.legend.post"), post.x, post.y, 7.5, 700, style="post") for post in drawing.posts]


def _numbers(drawing: Drawing) -> list[dict[str, Any]]:
    """Set the number of each checkpoint in its disc."""
    return [
        _set(
            Label(f"{number}", x, y, 6, 700, style="checkpoint"),
            x - CHECKPOINT_MM,
            y - CHECKPOINT_MM,
            (2 * CHECKPOINT_MM, 2 * CHECKPOINT_MM),
        )
        for number, (x, y) in zip(drawing.checkpoints["number"], drawing.discs.tolist(), strict=True)
    ]


def _beats(drawing: Drawing) -> list[Label]:
    """Return the name of each beat at that road of it which is nearest to its middle."""
    found = []
    for name, lines in zip(drawing.beats["beat_id"], drawing.beats.geometry, strict=True):
        point = shapely.get_point(shapely.shortest_line(lines, lines.centroid), 0)
        found.append(Label(name.rpartition("-")[2], point.x, point.y, 11, 700, style="beat"))
    return found


def _hotspots(drawing: Drawing) -> list[Label]:
    found = []
    for name, hours, area in zip(
        *(drawing.spots[column] for column in ("hotspot_id", "peak_hours", "geometry")), strict=True
    ):
        inside = area.intersects(drawing.outline)
        point = area.centroid
        if inside or point.within(drawing.page):
            words = f"{name} {clock_hours(hours)}".strip()
            reach = min(math.sqrt(area.area / math.pi), LARGEST_REACH_MM)
            found.append(Label(words, point.x, point.y, 7.5, 700, style="hotspot", must=inside, reach_mm=reach))
    return found


def _zones(drawing: Drawing) -> list[Label]:
    """Return the names of the other zones in sight; on the map of the town those of all."""
    town = not drawing.scene.zone_id
    found = []
    for name, area in zip(drawing.all_zones["zone_id"], drawing.all_zones.geometry, strict=True):
        seen = area.intersection(drawing.page)
        if name != drawing.scene.zone_id and (town or seen.area > SMALLEST_NAMED_ZONE_MM2):
            point = seen.representative_point()
            style = "town_zone" if town else "zone"
            found.append(Label(name, point.x, point.y, 15, 700, style=style, must=town, over=True))
    return found


def _lines(table: gpd.GeoDataFrame, column: str, kinds: tuple[str, ...], *, size_pt: float, style: str) -> list[Label]:
    """One label for each name, in the middle of its longest piece in sight."""
    named = table[table[column].isin(kinds) & (table["name"] != "")]
    found = []
    for name, group in named.groupby("name", sort=True):
        pieces = shapely.get_parts(shapely.line_merge(shapely.union_all(group.geometry.to_numpy())))
        longest = max(pieces, key=lambda piece: piece.length)
        if longest.length > SHORTEST_NAMED_LINE_MM:
            point = longest.interpolate(0.5, normalized=True)
            found.append(Label(str(name), point.x, point.y, size_pt, style=style, must=False, over=True))
    return found


def edge_labels(drawing: Drawing, taken: Sequence[shapely.Geometry]) -> list[dict[str, Any]]:
    """Letters and numbers of the index squares at the frame's edge, and the grid's kilometres where room is left."""
    width, height = INDEX_LABEL_MM
    index = [Label(name, x, y, 8, 700, style="index") for name, x, y in squares(drawing.window)]
    found = [_set(label, label.x - width / 2, label.y - height / 2, INDEX_LABEL_MM) for label in index]
    wide, low = EDGE_LABEL_MM
    places = [(x - wide / 2, 0.4, metres) for x, metres in grid_lines(drawing.window, "x")]
    places += [(0.4, y - low / 2, metres) for y, metres in grid_lines(drawing.window, "y")]
    for left, top, metres in places:
        box = shapely.box(left, top, left + wide, top + low)
        if metres is not None and box.within(drawing.page) and not any(box.intersects(other) for other in taken):
            found.append(_set(Label(f"{metres / 1000:g}", left, top, 5.5, style="grid"), left, top, EDGE_LABEL_MM))
    return found


def index_boxes(drawing: Drawing) -> list[shapely.Geometry]:
    """Return the boxes of the letters and numbers at the edge, which no name may cover."""
    width, height = INDEX_LABEL_MM
    return [
        shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2) for _, x, y in squares(drawing.window)
    ]


def _set(label: Label, left: float, top: float, size: tuple[float, float]) -> dict[str, Any]:
    return {"label": asdict(label), "left": left, "top": top, "width": size[0], "height": size[1], "leader": None}
