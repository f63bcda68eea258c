"""The camera plan in OpenStreetMap's surveillance tags, for QGIS, JOSM or the next import.

In:     a finished camera plan.
Out:    GeoJSON in WGS-84 whose properties are tags of the OSM wiki (man_made=surveillance and the camera: keys), with
        the plan's own number, view and status beside them; importing it gives the same cameras, placed by hand.
"""

import json

import geopandas as gpd

from gis_data.study import WGS84
from models.plan import Plan

MOUNTS = {"lamp": "street_lamp", "pole": "pole", "junction": "pole", "roadside": "pole", "corner": "wall"}


def surveillance_geojson(plan: Plan) -> bytes:
    """Return the plan's cameras as OSM surveillance nodes; new ones have the status «planned»."""
    cameras = plan.to_frame()
    features = []
    for camera, point in zip(cameras.itertuples(), gpd.GeoSeries(cameras.geometry).to_crs(WGS84), strict=True):
        tags = {
            "man_made": "surveillance",
            "surveillance": "public",
            "surveillance:type": "camera",
            "surveillance:zone": "entrance" if camera.entrances else "street",
            "camera:type": "dome" if camera.turns else "fixed",
            "ref": camera.camera_id,
            "hfov_deg": camera.hfov_deg,
            "status": "working" if camera.status == "existing" else "planned",
        }
        if not camera.turns:
            tags["camera:direction"] = camera.azimuth_deg
        if str(camera.site_kind) in MOUNTS:
            tags["camera:mount"] = MOUNTS[str(camera.site_kind)]
        place = {"type": "Point", "coordinates": [round(point.x, 7), round(point.y, 7)]}
        features.append({"type": "Feature", "properties": tags, "geometry": place})
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()
