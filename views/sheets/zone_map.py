"""The map of one zone, or of the whole town, on paper, with its names and north arrow.

In:     the ground's tables and the plans in metres, a map window at a true scale.
Out:    the picture, placed labels, and the legend of what is really on this sheet.
"""

import shapely

from views.sheets.alone import pdf_of
from views.sheets.drawing import Drawing, Scene
from views.sheets.frame import Box, MapDrawing, MapWindow
from views.sheets.names import labels

NORTH_MM = (11.0, 16.0)


def draw_zone(scene: Scene, window: MapWindow) -> MapDrawing:
    """Draw the map of one zone, or of the town."""
    return finished(Drawing(scene, window))


def finished(drawing: Drawing) -> MapDrawing:
    """Return a drawing with its names and north arrow in their places."""
    picture, north = pdf_of(drawing.picture()), free_corner(drawing)
    taken = shapely.box(north.left, north.top, north.left + north.width, north.top + north.height)
    return MapDrawing(picture, labels(drawing, [taken]), north, drawing.legend)


def free_corner(drawing: Drawing) -> Box:
    """Return the corner for the north arrow that hides least of the zone; the top right one where it can."""
    frame = drawing.window.frame
    (width, height), edge = NORTH_MM, 1.0
    right, bottom = frame.width - width - edge, frame.height - height - edge
    corners = [
        Box(left, top, width, height) for left, top in ((right, edge), (edge, edge), (right, bottom), (edge, bottom))
    ]

    def hidden(box: Box) -> float:
        shape = shapely.box(box.left, box.top, box.left + box.width, box.top + box.height)
        return round(shape.intersection(drawing.outline).area, 1)

    return min(corners, key=hidden)
