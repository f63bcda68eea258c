"""What a road, a beat and a zone are called: every rule by hand, on both sides of its threshold."""

import dataclasses

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from models.beats.types import ZONE_TYPES, ZoneGround, add_kinds, beat_type, pack, spoken, zone_type

CRS = "EPSG:4549"


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


def kinds(*rows, lamps):
    """Roads of 100 m (highway, class, lit, a house 10 m off, retail land on it), a kilometre apart, and their kinds."""
    lines = [shapely.LineString([(0, 1000 * k), (100, 1000 * k)]) for k in range(len(rows))]
    pieces = frame(lines, highway=[r[0] for r in rows], road_class=[r[1] for r in rows], lit=[r[2] for r in rows])
    houses = [shapely.box(40, 1000 * k + 10, 50, 1000 * k + 20) for k, row in enumerate(rows) if row[3]]
    shops = [shapely.box(30, 1000 * k - 5, 70, 1000 * k + 5) for k, row in enumerate(rows) if row[4]]
    table = add_kinds(
        pieces, pd.DataFrame({"lit": [lamps]}), frame(houses), frame(shops, kind=["retail"] * len(shops)),
        frame([], name=[]),
    )  # fmt: skip
    return table["kind"].tolist()


def test_a_road_is_the_first_kind_that_holds():
    rows = [
        ("residential", "village", False, True, True),
        ("residential", "village", False, False, True),  # nobody lives or sells beside it
        ("secondary", "county", False, True, False),
        ("track", "track", False, True, False),
        ("service", "village", False, True, False),
        ("service", "village", False, False, False),
        ("service", "village", True, True, False),
    ]
    expected = [
        "market_street",
        "village_road",
        "main_road",
        "field_track",
        "back_lane",
        "village_road",
        "village_road",
    ]
    assert kinds(*rows, lamps=False) == expected
    # Where no lamp is on the map an unlit residential street tells nothing.
    street = ("residential", "village", False, True, False)
    assert (kinds(street, lamps=False), kinds(street, lamps=True)) == (["village_road"], ["back_lane"])


def beat(**roads):
    """A beat's pieces: kilometres and minutes of each kind of road."""
    km, minutes = zip(*roads.values(), strict=True)
    return pd.DataFrame({"kind": list(roads), "length_m": [1000 * each for each in km], "total_min": minutes})


@pytest.mark.parametrize(
    ("roads", "held"),
    [
        ({"main_road": (1, 25), "village_road": (9, 75)}, ["main_road"]),  # by its work
        ({"main_road": (5, 24), "village_road": (5, 76)}, ["village_road"]),
        ({"market_street": (0.5, 5), "main_road": (4.5, 60), "village_road": (5, 35)}, ["market_street", "main_road"]),
        ({"market_street": (0.4, 5), "village_road": (9.6, 95)}, ["village_road"]),
        ({"back_lane": (1.5, 5), "field_track": (4, 5), "village_road": (4.5, 90)}, ["back_lane", "field_track"]),
        ({"back_lane": (1.4, 5), "field_track": (3.9, 5), "village_road": (4.7, 90)}, ["village_road"]),
    ],
)
def test_a_beat_is_called_by_what_it_has_enough_of_and_the_rest_is_named_beside_it(roads, held):
    kind, reasons = beat_type(beat(**roads))
    assert kind == held[0]
    assert [key for key, _ in reasons] == [f"beats.because.beat.{name}" for name in held]
    assert len(spoken(pack(reasons))) == len(held)


@pytest.fixture
def zone():
    """A square kilometre where every rule holds: 4 of its 10 built-up hectares are works, more of them lie outside."""
    land = [shapely.box(0, 0, 200, 200), shapely.box(1000, 0, 1900, 900), shapely.box(300, 0, 600, 200)]
    return ZoneGround(
        shapely.box(0, 0, 1000, 1000),
        pd.DataFrame({"name": ["镇里", "村一"], "is_seat": [True, False]}),
        beat(main_road=(1, 30), field_track=(4, 10), village_road=(5, 60)),
        frame(land, kind=["industrial", "industrial", "residential"]),
        frame([shapely.Point(1, 1)], kind=["townhall"], name=["镇政府"]),
        frame([shapely.Point(2, 2)], name=["大集"], market_days=["3,8"]),
    )  # fmt: skip


def test_a_zone_is_the_first_type_that_holds_and_names_the_others(zone):
    less = [
        {"villages": zone.villages.assign(is_seat=False), "places": zone.places.iloc[:0]},
        {"landuse": zone.landuse.iloc[1:]},  # the works outside are not the zone's
        {"markets": zone.markets.iloc[:0]},
        {"pieces": beat(main_road=(1, 20), field_track=(4, 10), village_road=(5, 60))},
        {"pieces": beat(main_road=(1, 20), field_track=(3.9, 10), village_road=(5.1, 60))},
    ]
    for place, name in enumerate(ZONE_TYPES):
        kind, reasons = zone_type(zone)
        assert kind == name
        assert len(reasons) == len(spoken(pack(reasons))) == max(1, len(ZONE_TYPES) - 1 - place)
        zone = dataclasses.replace(zone, **less[place]) if place < len(less) else zone


def test_a_town_hall_makes_the_seat_where_no_village_is_marked_and_shares_are_of_the_ground_inside(zone):
    unmarked = dataclasses.replace(zone, villages=zone.villages.assign(is_seat=False))
    kind, reasons = zone_type(unmarked)
    assert (kind, reasons[0]) == ("town_seat", ("beats.because.zone.seat_hall", {"name": "镇政府"}))
    assert reasons[1] == ("beats.because.zone.industrial", {"km2": "0.04", "share_pct": "40"})
