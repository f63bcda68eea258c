"""Changes by hand to a zone plan: judged at once, refused where they cut a zone in two unless insisted on.

In:     a zone plan, the case it was made for, the tables of its ground, and a ``Change``.
Out:    the plan's figures before and after, what the change breaks, and the changed answer.
Method: nothing is solved. A village or a post fixed by hand only narrows what may be chosen, so the bound proven for
        the problem without it holds for every legal plan that has it. Closing or opening a road makes another problem
        (``models.closures``: other ways, other work): its bound is the Lagrangian one, reckoned at once.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_data.errors import InputError
from gis_data.streets import DRIVEN
from models.closures import ROAD_CHANGES, Closing, closings_of, opened, roads_closed, with_closings
from models.districting.bound import lagrangian_bound
from models.districting.problem import Ints, broken_rules, objective, pieces
from models.districting.search import search
from models.districting.solve import Solution
from models.districting.wishes import villages_moved, with_wishes
from models.plan import Plan
from models.village_parts import Parts
from models.zone_case import Case
from models.zone_tables import balance_row
from models.zones import as_plan

ONE_BRIDGE_M = 60.0  # crossings this near are one: an underpass crosses both carriageways
MANY = 10  # more names than this are told by the first and their number
BOUND_STEPS = 300  # more lift the bound of a town of 71 villages no further
STARTS, MOVES = 4, 4_000  # of the search for a legal plan that the bound starts from


@dataclass(frozen=True)
class Change:
    """One change by hand.

    Attributes
    ----------
    kind
        "move" units to a zone; "cells" of divided villages to a zone; "post": the zone of a unit has its post there;
        "lock" or "unlock" units where they are;
        "close" a crossing; "close_road" segments of road; "open_road" segments, and those closed together with them.
    units
        Ids of units.
    zone_id
        Where to.
    crossing_id
        The crossing to close, with those beside it.
    road_ids
        The segments of road to close or open, between their junctions (``road_id`` of the table ROADS).
    cells
        The cells to move (``cell_id`` of the table CELLS).
    """

    kind: str
    units: tuple[str, ...] = ()
    zone_id: str = ""
    crossing_id: int = -1
    road_ids: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()

    def to_mapping(self) -> dict[str, Any]:
        """Return it as the plan and the audit log keep it."""
        plain = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


@dataclass(frozen=True)
class GroundTables:
    """The tables that hands pick from."""

    villages: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    crossings: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    cell_edges: pd.DataFrame

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> "GroundTables":
        """Return those out of all tables by name."""
        return cls(**{field.name: tables[field.name] for field in dataclasses.fields(cls)})


CaseOf = Callable[[frozenset[int], Parts | None], Case]  # with some segments of road closed, some villages divided


@dataclass(frozen=True)
class Hand:
    """A zone plan as hands left it.

    Attributes
    ----------
    zone_ids
        Number of each zone, shape (k,); ``posts`` names the unit of its post.
    post
        For each unit the unit of its zone's post.
    bound
        Of the problem with its wishes and without any village or post fixed by hand, in work-minutes.
    closings
        The roads that are closed.
    proven
        The ground (closed roads, cells of parts) that the plan was opened on, and the bound that it has there.
    shown
        The units with the borders that are drawn (``models.borders``).
    """

    case: Case
    case_of: CaseOf
    tables: GroundTables
    zone_ids: tuple[str, ...]
    posts: tuple[int, ...]
    post: Ints
    bound: float
    proven: tuple[Any, float]
    shown: gpd.GeoDataFrame
    locked: frozenset[str] = frozenset()
    closings: tuple[Closing, ...] = ()
    done: tuple[Mapping[str, Any], ...] = ()

    @property
    def ids(self) -> list[str]:
        """Ids of the units, in the order of the problem."""
        return [str(unit) for unit in self.case.ground.units["unit_id"]]

    def zone_of(self, row: int) -> str:
        """Return the number of the zone that a unit is in."""
        return self.zone_ids[self.posts.index(int(self.post[row]))]

    def names(self, rows: Sequence[int] | Ints) -> list[str]:
        """Return the names of units."""
        return [str(name) for name in self.case.ground.units["name"].iloc[list(rows)]]

    @property
    def closed_roads(self) -> frozenset[int]:
        """The segments of road that are closed."""
        return roads_closed(self.closings)

    @property
    def ground_key(self) -> tuple[Any, ...]:
        """What makes the problem another one: the roads that are closed, and which part each divided cell is in."""
        parts = self.case.ground.parts
        return self.closed_roads, () if parts is None else tuple(parts.cells["unit_id"])


@dataclass(frozen=True)
class Judged:
    """How a hand's plan stands; ``bound_min`` and ``gap`` are None where it breaks a rule.

    ``cut_off`` holds zones, each with the names of the villages that its post cannot reach.
    """

    travel_min: float
    bound_min: float | None
    gap: float | None
    max_ratio: float
    min_ratio: float
    moved: int
    broken: tuple[str, ...]
    cut_off: tuple[tuple[str, list[str]], ...] = ()


def open_hand(plan: Plan, case_of: CaseOf, tables: GroundTables) -> Hand:
    """Return a plan ready to be changed, with the changes it already carries.

    Parameters
    ----------
    case_of
        Returns the case that the plan was made for, with other roads closed and villages divided as told.

    Raises
    ------
    InputError
        If the plan was made of other units than the case has.
    """
    units, zones = plan.tables["units"], plan.to_frame()
    if "bound_with_wishes_min" not in plan.settings:  # a city of too many cells for a table of all ways
        raise InputError("edit.city")
    closings = closings_of(plan.settings)
    case = case_of(roads_closed(closings), Parts(plan.tables["parts"]) if "parts" in plan.tables else None)
    row = pd.Series(np.arange(case.problem.size), index=case.ground.units["unit_id"])
    if set(units["unit_id"]) != set(row.index):
        raise InputError("zones.stale")
    posts = row[zones["post_unit"]].to_numpy(dtype=np.int64)
    post_of_zone = dict(zip(zones["zone_id"], posts.tolist(), strict=True))
    zone_of_unit = units.set_index("unit_id")["zone_id"][case.ground.units["unit_id"]]
    done = tuple(plan.settings.get("by_hand", ()))
    bound = float(plan.settings["bound_with_wishes_min"]) * float(case.problem.load.sum())
    locked: set[str] = set()
    for change in done:
        locked = locked | set(change["units"]) if change["kind"] == "lock" else locked
        locked = locked - set(change["units"]) if change["kind"] == "unlock" else locked
    hand = Hand(
        case, case_of, tables, tuple(zones["zone_id"]), tuple(posts.tolist()),
        zone_of_unit.map(post_of_zone).to_numpy(dtype=np.int64), bound, ((), bound),
        _shown(plan, case), frozenset(locked), closings, done,
    )  # fmt: skip
    return replace(hand, proven=(hand.ground_key, bound))


def _shown(plan: Plan, case: Case) -> gpd.GeoDataFrame:
    units: gpd.GeoDataFrame = case.ground.units
    if "drawn_units" not in plan.tables:
        return units
    drawn = plan.tables["drawn_units"].set_index("unit_id").geometry.loc[units["unit_id"]]
    return gpd.GeoDataFrame(units.drop(columns="geometry"), geometry=drawn.to_numpy(), crs=units.crs)


def changed(hand: Hand, change: Change) -> Hand:
    """Return the plan after a change; whether it breaks a rule is for ``judge`` to say.

    Raises
    ------
    InputError
        If the change names what is not there, changes nothing, empties a zone, or moves a locked unit.
    """
    rows = _rows(hand, change.units)
    if change.kind in ("close", "close_road"):
        roads = _carrying(hand, change.crossing_id) if change.kind == "close" else change.road_ids
        new = _roads_to_close(hand, roads) - hand.closed_roads
        return _on_other_roads(hand, (*hand.closings, Closing.of(hand.tables.roads, new)))
    if change.kind == "open_road":
        left = opened(hand.closings, change.road_ids)
        if len(left) == len(hand.closings):
            raise InputError("edit.road_open", found=change.road_ids)
        return _on_other_roads(hand, left)
    if change.kind == "cells":
        return _cells_moved(hand, change.cells, change.zone_id)
    if not rows:
        raise InputError("edit.no_units")
    if change.kind in ("lock", "unlock"):
        chosen = frozenset(change.units)
        return replace(hand, locked=hand.locked | chosen if change.kind == "lock" else hand.locked - chosen)
    if stuck := [row for row in rows if hand.ids[row] in hand.locked]:
        raise InputError("edit.locked", names=hand.names(stuck))
    if change.kind == "post":
        return _with_post(hand, rows[0])
    return _moved(hand, rows, change.zone_id)


def _rows(hand: Hand, units: Sequence[str]) -> list[int]:
    place = {unit: row for row, unit in enumerate(hand.ids)}
    if unknown := [unit for unit in units if unit not in place]:
        raise InputError("zones.no_unit", found=unknown)
    return [place[unit] for unit in units]


def _with_post(hand: Hand, row: int) -> Hand:
    zone = hand.posts.index(int(hand.post[row]))
    if hand.posts[zone] == row:
        raise InputError("edit.nothing", names=hand.names([row]), zone=hand.zone_ids[zone])
    post = np.where(hand.post == hand.posts[zone], row, hand.post).astype(np.int64)
    return replace(hand, post=post, posts=(*hand.posts[:zone], row, *hand.posts[zone + 1 :]))


def _moved(hand: Hand, rows: Sequence[int], zone_id: str) -> Hand:
    """Move units to a zone; a zone that loses its post has it where the rest of it has the shortest ways."""
    if zone_id not in hand.zone_ids:
        raise InputError("edit.no_zone", found=zone_id, known=hand.zone_ids)
    zone = np.array([hand.zone_of(row) for row in range(len(hand.ids))], dtype=object)
    if (zone[rows] == zone_id).all():
        raise InputError("edit.nothing", names=few(hand.names(rows)), zone=zone_id)
    zone[rows] = zone_id
    return _with_zones(hand, zone, hand.posts)


def _with_zones(hand: Hand, zone: NDArray[np.object_], old_posts: Sequence[int]) -> Hand:
    """Return the plan with the units in these zones; ``old_posts`` (-1: gone) stay where they are still in theirs."""
    post, posts = np.full(len(zone), -1, dtype=np.int64), []
    for zone_id, old in zip(hand.zone_ids, old_posts, strict=True):
        members = np.flatnonzero(zone == zone_id)
        if not len(members):
            raise InputError("edit.empty_zone", zone=zone_id)
        if old not in members:
            ways = hand.case.problem.cost[np.ix_(members, members)].sum(axis=0)
            old = int(members[int(np.argmin(ways))])
        posts.append(int(old))
        post[members] = old
    return replace(hand, post=post, posts=tuple(posts))


def _cells_moved(hand: Hand, cells: Sequence[int], zone_id: str) -> Hand:
    """Move cells of divided villages to a zone: other parts, so other units and another problem."""
    parts = hand.case.ground.parts
    if not cells:
        raise InputError("edit.no_units")
    if parts is None or "homes" not in parts.cells or not set(cells) <= set(parts.cells["cell_id"]):
        raise InputError("edit.whole_village")
    if zone_id not in hand.zone_ids:
        raise InputError("edit.no_zone", found=zone_id, known=hand.zone_ids)
    zone_of = {unit: hand.zone_of(row) for row, unit in enumerate(hand.ids)}
    left = set(parts.cells.loc[parts.cells["cell_id"].isin(cells), "unit_id"])
    if stuck := [row for row, unit in enumerate(hand.ids) if unit in left & hand.locked]:
        raise InputError("edit.locked", names=hand.names(stuck))
    if {zone_of[unit] for unit in left} == {zone_id}:
        raise InputError("edit.nothing", names=few([str(cell) for cell in cells]), zone=zone_id)
    new, zones = parts.moved(cells, zone_id, zone_of=zone_of, cell_edges=hand.tables.cell_edges)
    case = hand.case_of(hand.closed_roads, new)
    ids = [str(unit) for unit in case.ground.units["unit_id"]]
    place = {unit: row for row, unit in enumerate(ids)}
    posts = [place.get(hand.ids[post], -1) for post in hand.posts]
    moved = replace(hand, case=case, shown=case.ground.units, locked=hand.locked & set(ids))
    moved = _with_zones(moved, np.array([zones.get(unit, zone_of.get(unit)) for unit in ids], dtype=object), posts)
    return _bounded(moved)


def _roads_to_close(hand: Hand, road_ids: Sequence[int]) -> frozenset[int]:
    roads = hand.tables.roads
    driven = set(roads.loc[roads["road_class"].isin(DRIVEN), "road_id"].astype("int64").tolist())
    if not road_ids:
        raise InputError("edit.no_roads")
    if unknown := [road for road in road_ids if road not in driven]:
        raise InputError("edit.no_road", found=unknown)
    if set(road_ids) <= hand.closed_roads:
        raise InputError("edit.road_shut", found=road_ids)
    return frozenset(road_ids)


def _carrying(hand: Hand, crossing_id: int) -> list[int]:
    """Return the segments that carry a crossing and those beside it."""
    crossings = hand.tables.crossings
    beside = crossings_beside(crossings, frozenset({crossing_id}))
    if not beside:
        raise InputError("edit.no_crossing", found=crossing_id)
    return sorted({int(road) for road in crossings.loc[crossings["crossing_id"].isin(beside), "road_id"]})


def _on_other_roads(hand: Hand, closings: tuple[Closing, ...]) -> Hand:
    """Return the plan on the ground that other closed roads leave, with the bound that holds there."""
    closed = roads_closed(closings)
    case = hand.case_of(closed, hand.case.ground.parts)
    if case.ground.units["unit_id"].tolist() != hand.ids:  # cells that nothing leads to any more are in no zone
        raise InputError("edit.other_units")
    return _bounded(replace(hand, case=case, closings=closings))


def _bounded(hand: Hand) -> Hand:
    """Return the plan with the bound that holds on its ground."""
    return replace(hand, bound=hand.proven[1] if hand.ground_key == hand.proven[0] else _quick_bound(hand))


def _quick_bound(hand: Hand) -> float:
    """Return the Lagrangian bound of the case, in work-minutes; it takes a twentieth of a second."""
    asked = with_wishes(hand.case.problem, hand.case.wishes)
    start = hand.post
    if broken_rules(asked, start):
        rng = np.random.default_rng([asked.size, asked.count])
        found = search(asked, rng=rng, starts=STARTS, moves=MOVES)
        start = start if found.post is None else found.post
    if not np.isfinite(objective(asked, start)):
        return 0.0
    return lagrangian_bound(asked, start, iterations=BOUND_STEPS).value


def crossings_beside(crossings: gpd.GeoDataFrame, chosen: frozenset[int]) -> set[int]:
    """Return the crossings at the same spot as the chosen ones."""
    points = crossings.geometry
    spots = points[crossings["crossing_id"].isin(chosen)]
    near = [points.distance(spot) <= ONE_BRIDGE_M for spot in spots]
    return {int(number) for beside in near for number in crossings.loc[beside, "crossing_id"]}


def judge(hand: Hand) -> Judged:
    """Return how the plan stands now."""
    case, post = hand.case, hand.post
    row = balance_row(case.problem, case.ground.units, "", post)
    broken = tuple(broken_rules(case.problem, post))
    bound = case.bound_min(hand.bound, post) if not broken else None
    travel = float(row["mean_travel_min"])
    gap = None if bound is None else (travel - bound) / travel if travel > 0 else 0.0
    moved = -1 if case.wishes.today is None else villages_moved(case.wishes.today, post)
    cut = tuple((zone_id, hand.names(rows)) for zone_id, rows in cut_rows(hand).items())
    return Judged(travel, bound, gap, row["max_ratio"], row["min_ratio"], moved, broken, cut)


def cut_rows(hand: Hand) -> dict[str, list[int]]:
    """Return for each zone that is in pieces the units (row numbers) that its post cannot reach within it."""
    found = {}
    for zone_id, own in zip(hand.zone_ids, hand.posts, strict=True):
        parts = pieces(hand.case.problem, np.flatnonzero(hand.post == own))
        if lost := [row for part in parts if own not in part for row in part.tolist()]:
            found[zone_id] = lost
    return found


def as_changed_plan(hand: Hand, plan: Plan, changes: Sequence[Change], *, reason: str, insist: bool) -> Plan:
    """Return the plan as the hand left it, with the changes and their reason among its settings and notes."""
    answer = Solution(hand.post, hand.bound, hand.bound, "hand")
    made = as_plan(hand.case, answer, seed=plan.seed, order=np.array(hand.posts, dtype=np.int64))
    done = [*hand.done, *(change.to_mapping() | {"reason": reason, "insisted": insist} for change in changes)]
    notes = [
        (f"zones.note.by_hand.{item['kind']}", _words(hand, item)) for item in done if item["kind"] not in ROAD_CHANGES
    ]
    settings = dict(made.settings) | {"by_hand": done}
    if "option" in plan.settings:
        settings["from_option"] = plan.settings["option"]
    verdict = judge(hand)
    if verdict.broken:
        kinds: dict[str, str | list[str]] = {
            "balance": f"{verdict.min_ratio:.2f}–{verdict.max_ratio:.2f}",
            "cut": hand_words(verdict),
        }
        notes.append(("zones.note.outside", kinds))
    made = replace(made, settings=settings, notes=(*made.notes, *notes))
    told = [closing if closing.reason else replace(closing, reason=reason) for closing in hand.closings]
    return with_closings(made, told, hand.tables.roads)


def hand_words(verdict: Judged) -> list[str]:
    """Return which villages are cut off, each with its zone; a dash for none."""
    return few([f"{name} ({zone})" for zone, names in verdict.cut_off for name in names]) or ["–"]


def few(names: Sequence[str]) -> list[str]:
    """Return names for a sentence: of many (cells drawn round by the dozen) the first, and how many there are."""
    return list(names) if len(names) <= MANY else [*names[: MANY - 2], f"… ({len(names)})"]


def _words(hand: Hand, change: Mapping[str, Any]) -> dict[str, str | list[str]]:
    rows = [row for row, unit in enumerate(hand.ids) if unit in set(change["units"])]
    names = hand.names(rows) or [str(cell) for cell in change.get("cells", ())]
    return {"names": few(names), "zone": str(change["zone_id"]), "reason": str(change["reason"])}
