"""The town's plan: what was drawn by hand so that it looks like a township on a plain.

All coordinates are metres east and north of the anchor. Villages stand where villages_reference.csv puts them;
the lines below run between them. Everything smaller (lanes, tracks, houses) is grown by chance around this plan.
"""

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

EXPRESSWAY = ((-8300, 2010), (-6600, 2180), (-5200, 2250), (-4000, 2290), (-2800, 2300), (-1600, 2560),
              (-350, 2590), (900, 2420), (2100, 2270), (3200, 2620), (4500, 2840), (5700, 2920),
              (8000, 2700))  # fmt: skip
MAIN_RIVER = ((8200, 3000), (6400, 2150), (5400, 1420), (4700, 1400), (3800, 1640), (3080, 1420), (2880, 900),
              (2120, 640), (1960, 0), (1980, -560), (1620, -1250), (1320, -1800), (900, -2300), (0, -2440),
              (-700, -2700), (-1150, -3350), (-1850, -3950), (-2640, -4060), (-3500, -4260), (-4300, -4950),
              (-5400, -6200))  # fmt: skip
STREAMS = {
    "小清河": ((-900, 7200), (-1650, 5500), (-2080, 4150), (-2420, 3300), (-2480, 2400), (-2820, 1320), (-3420, 900),
             (-3520, 150), (-3960, -650), (-4250, -1500), (-4880, -2150), (-5020, -3300), (-6200, -4700)),
    "南沙河": ((8300, 500), (6900, -250), (5750, -850), (5560, -1650), (4900, -2080), (4120, -2250), (3990, -2960),
             (3720, -3900), (3150, -4800), (2300, -6600)),
}  # fmt: skip
MAIN_RIVER_NAME, EXPRESSWAY_NAME = "禾川河", "临海高速"

PROVINCIAL = ((150, 7200), (290, 4600), (350, 2900), (300, 1200), (330, 0), (350, -1500), (390, -2450), (450, -3500),
              (610, -4600), (640, -6900))  # fmt: skip
COUNTY = ((-9000, -60), (-7600, -60), (-5300, -330), (-3600, -130), (-2500, -60), (-1000, -90), (330, -100),
          (1500, 160), (2400, -60), (3400, 110), (4300, 170), (5500, -40), (6500, 150), (9000, 250))  # fmt: skip
PROVINCIAL_NAME, COUNTY_NAME = "禾川大道", "禾兴路"

# Township roads: village ids are passed along their main streets; pairs are points in between.
TOWNSHIP = {
    "禾北路": ((-6250, -190), "V028", "V023", (-4950, 2000), (-4950, 2600), "V014", "V004", "V066", "V038", "V015",
             (310, 4250)),
    "禾东路": ((310, 1700), "V068", (2420, 1950), (2420, 2650), "V020", "V058", "V034", (4120, 3050), (4130, 2500),
             "V061", (3700, 1950), (3640, 1300), "V049", (3400, 110)),
    "禾南路": ((350, -1300), "V047", (1330, -1420), (1820, -1640), "V009", "V013", "V065", "V043", "V057", (5640, -20)),
    "园区路": ((-1180, -90), (-1230, -1130), "V016", "V059", (-1250, -3280), (-1600, -4000), "V018", "V026",
             (520, -4000)),
    "禾西路": ((-3500, -130), "V069", "V037", "V033", "V007", "V039", (-6050, -230)),
}  # fmt: skip

PARK = box(-2080, -1120, -620, -190)
PARK_GATE = (-1187.0, -205.0)
MARKET_STREET = ((-760, 20), (330, 20))
MARKET_MIDDLE = (-250.0, 20.0)
PHONE_MASTS = ((-250, -900), (-3900, 900), (3300, -700), (300, 3600), (-2600, -3300), (2400, -3900), (4500, 2200))
STATION_POINT = (-560.0, -140.0)
SEAT_STREETS_X = (-760, -460, -40)
SEAT_GROUND = box(-900, -330, 345, 200)
MARKET_SQUARE = box(-420, 34, -110, 84)

GREENHOUSE_CLUSTERS = ((3380, 3230), (-5000, -1720), (1700, 1400), (-3050, -2980), (5450, 330), (2050, -3000))
SEASONAL_CLUSTER = 0

RIVER_HALF_WIDTH_M, RIVER_BANK_M = 24.0, 32.0
STREAM_BANK_M = 14.0
EXPRESSWAY_HALF_M, EXPRESSWAY_BANK_M = 12.0, 32.0
HULL_RATIO = 0.4


def smooth(points: tuple[tuple[float, float], ...], rounds: int = 4) -> LineString:
    """Return the polyline with its corners cut (Chaikin 1974)."""
    xy = np.asarray(points, dtype=float)
    for _ in range(rounds):
        near, far = 0.75 * xy[:-1] + 0.25 * xy[1:], 0.25 * xy[:-1] + 0.75 * xy[1:]
        xy = np.vstack([xy[:1], np.column_stack([near, far]).reshape(-1, 2), xy[-1:]])
    return LineString(xy).simplify(1.0)


def wavy(line: LineString, *, rng: np.random.Generator, amplitude_m: float, length_m: float) -> LineString:
    """Return the line with bends added sideways, as a river has them."""
    along = np.arange(0, line.length, 40.0)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, along + 5.0))
    step = (ahead - xy) / np.maximum(np.hypot(*(ahead - xy).T), 1e-9)[:, None]
    phases = rng.uniform(0, 2 * np.pi, 3)
    waves = zip((1.0, 1.7, 0.6), phases, strict=True)
    side = sum(np.sin(2 * np.pi * along / (length_m * k) + phase) / k**0.5 for k, phase in waves)
    return LineString(xy + amplitude_m * side[:, None] * np.column_stack([-step[:, 1], step[:, 0]])).simplify(2.0)


def boundary(built_up: np.ndarray, *, area_km2: float = 99.0) -> Polygon:
    """Return the town's outline: a hull round all villages, as far outside their last houses as the area allows.

    The hull jumps where a village joins it, so the area is met to about a square kilometre.
    """
    ground = shapely.union_all(built_up)
    low_m, high_m = 20.0, 400.0
    for _ in range(24):
        margin_m = (low_m + high_m) / 2
        outline = _hull(ground, margin_m)
        low_m, high_m = (margin_m, high_m) if outline.area < area_km2 * 1e6 else (low_m, margin_m)
    return outline


def _hull(ground: BaseGeometry, margin_m: float) -> Polygon:
    return shapely.concave_hull(shapely.buffer(ground, margin_m, quad_segs=3), ratio=HULL_RATIO)
