"""Reported incidents on a map: points, or one picture of their density where they are many."""

import folium
import geopandas as gpd
import numpy as np
from folium.map import Layer

from gis_data.catalogue import text
from gis_data.study import WGS84
from views.maps.frame import Row, TownMap
from views.maps.layers import MERCATOR, Dots, lat_lon
from views.maps.look import REPORTED, svg, swatch

FEW_POINTS = 6_000  # above this, points are drawn as one picture: a browser stalls on vectors
HEAT_PX = 700


def incident_row(town: TownMap, incidents: gpd.GeoDataFrame) -> Row:
    """Draw reported incidents, as one picture where they are more than a browser can hold as vectors."""
    label = text("map.incidents", count=f"{int(incidents['count'].sum()):,}")
    if len(incidents) > FEW_POINTS:
        layer: Layer = _heat(incidents)
        sample = swatch(REPORTED, opacity=0.45, line="none")
        label = text("map.incidents_density", count=f"{int(incidents['count'].sum()):,}")
    else:
        layer = Dots(lat_lon(incidents), REPORTED)
        sample = svg(f'<circle cx="8" cy="6" r="3" fill="{REPORTED}" fill-opacity=".55"/>')
    layer.add_to(town)
    return Row(sample, label, layer)


def _heat(points: gpd.GeoDataFrame) -> folium.raster_layers.ImageOverlay:
    """Return points as one picture of their density, the square root taken so that quiet ground still shows."""
    flat = points.geometry.to_crs(MERCATOR)
    west, south, east, north = flat.total_bounds
    pad = 0.02 * max(east - west, north - south, 1.0)
    edges = (west - pad, south - pad, east + pad, north + pad)
    step = max(edges[2] - edges[0], edges[3] - edges[1]) / HEAT_PX
    shape = (int(np.ceil((edges[3] - edges[1]) / step)), int(np.ceil((edges[2] - edges[0]) / step)))
    box = ((edges[1], edges[1] + shape[0] * step), (edges[0], edges[0] + shape[1] * step))
    heat, _, _ = np.histogram2d(flat.y, flat.x, bins=shape, range=box, weights=points["count"])
    from scipy.ndimage import gaussian_filter

    smooth = np.sqrt(gaussian_filter(heat, 4.0))
    share = np.clip(smooth / max(float(np.quantile(smooth[smooth > 0], 0.995)), 1e-9), 0, 1)
    colour = [int(REPORTED[at : at + 2], 16) for at in (1, 3, 5)]
    picture = np.zeros((*shape, 4), dtype=np.uint8)
    picture[..., :3], picture[..., 3] = colour, (share * 190).astype(np.uint8)
    corners = gpd.GeoSeries(gpd.points_from_xy(box[1], box[0]), crs=MERCATOR).to_crs(WGS84)
    bounds = [[corners.y.iloc[0], corners.x.iloc[0]], [corners.y.iloc[1], corners.x.iloc[1]]]
    # Rows are even in Mercator already: nothing is to be reprojected.
    return folium.raster_layers.ImageOverlay(picture[::-1], bounds, control=False, pixelated=False)
