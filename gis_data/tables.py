"""The tables of a study, each by its schema: columns, units, ranges. Checked at the door and nowhere else."""

from gis_data.schema import Column, Schema, superseded
from gis_data.taxonomy import CLASSES, TYPES

ROAD_CLASSES = ("expressway", "provincial", "county", "township", "village", "track", "path")
BARRIER_KINDS = ("river", "railway", "expressway")
PRECISIONS = ("exact", "road", "cell", "village", "default", "none")
CHECKPOINT_KINDS = ("by_hand", "hotspot", "market", "school", "back_lane")  # in the order of choice
STANDING = ("working", "broken")  # of a camera: the others are wished for, or name a place where none may be

TEXT, TIME, FLAG = Column("text"), Column("time"), Column("bool")
COUNT = Column("int", low=0)
KEY = Column("text", unique=True)
# Where a row of the station's own tables came from.
ORIGIN = {"source_file": TEXT, "source_row": COUNT, "import_id": TEXT}

INCIDENTS = Schema(
    "incidents",
    {
        "incident_id": Column("text", unique=True, doc="salted hash of the call number"),
        "linked_id": TEXT,
        "reported_at": TIME,
        "occurred_from": TIME,
        "occurred_to": TIME,
        "arrived_at": TIME,
        "closed_at": TIME,
        "incident_class": Column("text", allowed=tuple(CLASSES)),
        "type": Column("text", allowed=tuple(TYPES)),
        "subtype": Column("text", doc="the station's own name of the type, from its code table"),
        "origin": Column("text", allowed=("reported", "discovered"), default="reported"),
        "channel": TEXT,
        "place_type": TEXT,
        "mo": TEXT,
        "target_type": TEXT,
        "caught_count": Column("int", low=0, doc="on-the-spot arrests; never feeds allocation"),
        "count": Column("int", low=1, default=1, doc="more than 1 in aggregated sheets"),
        "village_id": TEXT,
        "precision": Column("text", allowed=PRECISIONS, default="none"),
        **ORIGIN,
    },
    required=("incident_id", "reported_at", "incident_class", "type", "origin"),
    geometry=("Point",),
    may_be_empty=True,
)
VILLAGES = Schema(
    "villages",
    {
        "village_id": KEY,
        "name": Column("text", doc="two villages may share it; the id tells them apart"),
        "aliases": Column("text", doc="other names, separated by ;"),
        "population": COUNT,
        "households": COUNT,
        "market_days": Column("text", doc='last digits of lunar market days, "5,10"; "" for no market'),
        "work_area": TEXT,
        "is_seat": FLAG,
        "valid_from": TIME,
        "valid_to": TIME,
        "centre_x": Column("float", doc="village centre in the study's CRS, metres"),
        "centre_y": Column("float", doc="village centre in the study's CRS, metres"),
        **ORIGIN,
    },
    required=("village_id", "name", "population"),
    geometry=("Point", "Polygon", "MultiPolygon"),
)
ROADS = Schema(
    "roads",
    {
        "road_id": Column("int", unique=True),
        "osm_id": TEXT,
        "name": TEXT,
        "highway": Column("text", doc="OSM highway tag"),
        "road_class": Column("text", allowed=ROAD_CLASSES),
        "length_m": Column("float", low=0),
        "speed_kmh": Column("float", low=1, high=130),
        "oneway": Column("bool", doc="only in the direction of the line"),
        "lit": FLAG,
        "closed_in_rain": FLAG,
        "bridge": FLAG,
        "tunnel": FLAG,
        "from_node": Column("int", doc="junction where the line starts"),
        "to_node": Column("int", doc="junction where the line ends"),
    },
    required=("road_id", "road_class", "length_m", "speed_kmh", "from_node", "to_node"),
    geometry=("LineString",),
)
BARRIERS = Schema(
    "barriers",
    {"barrier_id": Column("int", unique=True), "kind": Column("text", allowed=BARRIER_KINDS), "name": TEXT},
    required=("barrier_id", "kind"),
    geometry=("LineString", "MultiLineString"),
)
CROSSINGS = Schema(
    "crossings",
    {"crossing_id": Column("int", unique=True), "barrier_id": Column("int"), "road_id": Column("int"), "name": TEXT},
    required=("crossing_id", "barrier_id", "road_id"),
    geometry=("Point",),
)
BUILDINGS = Schema(
    "buildings",
    {
        "building_id": Column("int", unique=True),
        "kind": Column("text", doc="OSM building tag"),
        "levels": Column("float", low=0),
        "is_dwelling": FLAG,
    },
    required=("building_id",),
    geometry=("Polygon", "MultiPolygon"),
)
WATER = Schema("water", {"water_id": Column("int", unique=True), "name": TEXT}, geometry=("Polygon", "MultiPolygon"))
LANDUSE = Schema(
    "landuse",
    {"landuse_id": Column("int", unique=True), "kind": Column("text", doc="OSM landuse, leisure or natural tag")},
    geometry=("Polygon", "MultiPolygon"),
)
PLACES = Schema(
    "places",
    {
        "place_id": Column("int", unique=True),
        "kind": Column("text", doc="market, school, hospital, bank, shop, police, factory, pole, lamp, venue, ..."),
        "name": TEXT,
    },
    required=("place_id", "kind"),
    geometry=("Point",),
)
CAMERAS = Schema(
    "cameras",
    {
        "camera_id": KEY,
        "status": Column("text", allowed=(*STANDING, "planned", "forbidden"), default="working"),
        "azimuth_deg": Column("float", low=0, high=360),
        "hfov_deg": Column("float", low=1, high=360),
        "note": TEXT,
        **ORIGIN,
    },
    required=("camera_id",),
    geometry=("Point",),
)
CREWS = Schema(
    "crews",
    {
        "crew_id": KEY,
        "mode": Column("text", allowed=("vehicle", "motorcycle", "ebike", "foot")),
        "officers": COUNT,
        "auxiliaries": COUNT,
        "shift": TEXT,
        "powers": Column("text", allowed=("full", "assist", "observe"), default="assist"),
        **ORIGIN,
    },
    required=("crew_id", "mode"),
)
PATROL_HOURS = Schema(
    "patrol_hours",
    {
        "month": Column("text", doc="YYYY-MM"),
        "village_id": TEXT,
        "band": Column("text", allowed=("00-06", "06-12", "12-18", "18-24")),
        "hours": Column("float", low=0, doc="crew hours"),
        **ORIGIN,
    },
    required=("month", "village_id", "band", "hours"),
)
VISITS = Schema(
    "visits",
    {
        "crew_id": Column("text", doc="a crew's number, never a person's"),
        "checkpoint": TEXT,
        "visited_at": TIME,
        **ORIGIN,
    },
    required=("crew_id", "checkpoint", "visited_at"),
    geometry=("Point",),
    may_be_empty=True,
)
# Table "checkpoints" (必巡点) of the plan "beats": planned, and so no table of station.gpkg. A check-in of VISITS
# belongs to the checkpoint whose checkpoint_id is named in its ``checkpoint``.
CHECKPOINTS = Schema(
    "checkpoints",
    {
        "checkpoint_id": Column("text", unique=True, doc='"Z1-C03": the zone and the number on its sheet'),
        "number": Column("int", low=1, doc="number on the zone's sheet"),
        "zone_id": TEXT,
        "beat_id": Column("text", doc='"Z1-B2"; the beat on whose road the point stands'),
        "kind": Column("text", allowed=CHECKPOINT_KINDS, doc="the first of its reasons"),
        "name": Column("text", doc="of the market, the school or the road; never of a dwelling"),
        "reason": Column("text", doc="JSON: catalogue keys and values, [[key, {name: value}], ...]"),
        "min_visits_per_week": Column("int", low=1, doc="least number of check-ins in a week of seven days"),
        "stop_min": Column("float", low=0, doc="minutes that one visit takes"),
        "hours": Column("text", doc='when to be there, from-to in whole hours, "19-23;07-09"; "" for any hour'),
        "market_days": Column("text", doc='last digits of lunar days, as in VILLAGES, "5,10"; "" for any day'),
    },
    required=("checkpoint_id", "zone_id", "beat_id", "kind", "min_visits_per_week"),
    geometry=("Point",),
)
CELLS = Schema(
    "cells",
    {
        "cell_id": Column("int", unique=True),
        "row": Column("int"),
        "col": Column("int"),
        "x": Column("float", doc="centre, metres"),
        "y": Column("float", doc="centre, metres"),
        "area_m2": Column("float", low=0, doc="land inside the boundary"),
        "road_m": Column("float", low=0, doc="road to patrol inside the cell, expressways and paths left out"),
        "village_id": TEXT,
        "component": Column("int", doc="piece of ground that can be reached without crossing a barrier off a road"),
    },
    required=("cell_id", "row", "col", "x", "y", "area_m2"),
    geometry=("Polygon", "MultiPolygon"),
)
CELL_EDGES = Schema(
    "cell_edges",
    {"cell_a": Column("int"), "cell_b": Column("int"), "border_m": Column("float", low=0)},
    required=("cell_a", "cell_b"),
)
IMPORTS = Schema(
    "imports",
    {
        "import_id": TEXT,
        "file": TEXT,
        "sha256": TEXT,
        "table": TEXT,
        "rows_read": COUNT,
        "accepted": COUNT,
        "set_aside": COUNT,
        "refused": COUNT,
        "imported_at": TIME,
        "problems": Column("text", doc="JSON: reason -> number of rows"),
        "remarks": Column("text", doc="JSON: catalogue keys and values about the whole file"),
    },
    required=("import_id", "file"),
)
QUALITY = Schema(
    "quality",
    {
        "import_id": TEXT,
        "file": TEXT,
        "table": TEXT,
        "problem": Column("text", doc="reason or note, a key under intake.reason"),
        "outcome": Column("text", allowed=("accepted", "set_aside", "refused"), doc="what became of these rows"),
        "rows": COUNT,
        "examples": Column("text", doc="up to three row numbers, as the user's own program shows them: 12,45,99"),
    },
    required=("import_id", "problem", "outcome", "rows"),
)
COMPLETENESS = Schema(
    "completeness",
    {
        "import_id": TEXT,
        "month": Column("text", doc="YYYY-MM of the report time"),
        "field": Column("text", doc="column of INCIDENTS, or 'point' for a usable point"),
        "rows": COUNT,
        "filled": COUNT,
    },
    required=("import_id", "month", "field", "rows", "filled"),
)
CORRECTIONS = Schema(
    "corrections",
    {
        "import_id": TEXT,
        "source_file": TEXT,
        "source_row": COUNT,
        "kind": Column("text", doc="notes that say why, keys under intake.reason: coordinates_swapped;gcj02"),
        "from_lon": Column("float", doc="as written, degrees read as WGS-84"),
        "from_lat": Column("float"),
        "to_lon": Column("float", doc="WGS-84; missing where the point was dropped"),
        "to_lat": Column("float"),
    },
    required=("import_id", "source_row", "kind"),
)
ASIDE = Schema(
    "aside",
    {
        "key": Column("text", unique=True, doc="name of the row in the files of set_aside/, for the way back"),
        "import_id": TEXT,
        "file": TEXT,
        "row": COUNT,
        "reason": TEXT,
        "detail": TEXT,
        "table": TEXT,
        "cells": Column("text", doc="JSON: column -> what stands in it; persons, calls and addresses left out"),
        "incident_id": Column("text", doc="salted hash, so that the corrected row is known again"),
        "linked_id": TEXT,
        "village_id": Column("text", doc="what the address named"),
        "shape": Column("text", doc="WKT in the study's CRS, of rows that came from a layer"),
        "moved_to": Column("text", doc="import in which the row came again; empty while it waits"),
    },
    required=("key", "import_id", "row", "reason", "table"),
)
SETTLED = Schema(
    "settled",
    {
        "incident_id": TEXT,
        "import_id": TEXT,
        "what": Column("text", allowed=("village", "mast"), default="village", doc="what was learnt after it came"),
    },
    required=("incident_id", "import_id"),
)
UNLOGGED = Schema(
    "unlogged",
    {"token": KEY, "entry": Column("text", doc="JSON of an audit entry whose action is done and not yet logged")},
    required=("token", "entry"),
)

# Tables whose rows come one by one from a station's own files.
RECORDS = (INCIDENTS, VILLAGES, CREWS, CAMERAS, PATROL_HOURS, VISITS)

TABLES: dict[str, Schema] = {
    schema.name: schema
    for schema in (
        INCIDENTS, VILLAGES, ROADS, BARRIERS, CROSSINGS, BUILDINGS, WATER, LANDUSE, PLACES, CAMERAS, CREWS,
        PATROL_HOURS, VISITS, CELLS, CELL_EDGES, IMPORTS, QUALITY, COMPLETENESS, CORRECTIONS,
        ASIDE, SETTLED, UNLOGGED, *map(superseded, RECORDS),
    )
}  # fmt: skip
