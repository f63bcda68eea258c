"""Units of the partition: pieces of road that must stay together are one unit.

In:     the pieces of one zone with their work, hotspots, all pieces of the town.
Out:    a ``Ground``: the unit of each piece and the groups of units that are connected by the zone's own roads.
Kept whole: a hotspot (with the road between its parts, where they do not touch); the built-up streets of a village,
        unless they are more than a share of a beat or no even beats can be made of them; and every loose piece with
        the place it is attached to.
Loose:  roads of a zone that no road of the same zone leads to, lighter than half a beat. Each is attached to the piece
        that is nearest by road through the neighbouring zones, so through crossings only; where no road leads at all,
        to the nearest as the crow flies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VILLAGE_SHARE = 0.25  # of a beat's mean work: a village's streets heavier than this may be shared between beats
OWN_BEAT_SHARE = 0.5  # of a beat's mean work: cut-off roads lighter than this are no beat of their own


@dataclass(frozen=True, eq=False)
class Ground:
    """The units of one zone.

    Attributes
    ----------
    unit
        Unit of each piece, shape (pieces,).
    loose
        Which pieces no road of the zone leads to.
    loose_groups, by_air
        How many groups of loose pieces there are, and to how many of them no road leads at all.
    pairs
        Units that touch at a junction, shape (m, 2).
    component
        Connected group of each unit.
    """

    unit: Ints
    loose: NDArray[np.bool_]
    loose_groups: int
    by_air: int
    pairs: Ints
    component: Ints


def make_units(
    pieces: gpd.GeoDataFrame,
    hotspots: Sequence[shapely.Geometry],
    town: gpd.GeoDataFrame,
    *,
    mean_load: float,
    whole_villages: bool = True,
) -> Ground:
    """Return the units of one zone.

    Parameters
    ----------
    pieces
        The zone's pieces: ``from_node``, ``to_node``, ``unit_id``, ``kind``, ``built``, ``length_m``, ``total_min``.
    hotspots
        Ground that may not be shared between beats.
    town
        The pieces of all zones, which a loose piece is reached by.
    mean_load
        Minutes a week of a beat of this zone.
    whole_villages
        Keep the light streets of a village in one unit.
    """
    touching = touching_pieces(pieces["from_node"].to_numpy(), pieces["to_node"].to_numpy())
    size, load = len(pieces), pieces["total_min"].to_numpy()
    part = _components(size, touching)
    loose = (np.bincount(part, weights=load) < OWN_BEAT_SHARE * mean_load)[part]
    loose[part == np.bincount(part, weights=load).argmax()] = False
    together = _hotspot_pieces(pieces, touching, part, hotspots)
    if whole_villages:
        together += _village_streets(pieces, touching, mean_load)
    joined = [np.column_stack([np.full(len(group), group[0]), group]) for group in together]
    attached, by_air = _attach(pieces, town, part, loose)
    joined.append(attached)
    unit = _components(size, np.vstack(joined))
    pairs = np.unique(np.sort(unit[touching], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return Ground(unit, loose, len(np.unique(part[loose])), by_air, pairs, _components(int(unit.max()) + 1, pairs))


def touching_pieces(from_node: Ints, to_node: Ints) -> Ints:
    """Return the pairs of pieces that share a junction (the edges of the line graph), shape (m, 2), each once."""
    piece = np.tile(np.arange(len(from_node)), 2)
    node = np.r_[from_node, to_node]
    order = np.argsort(node, kind="stable")
    piece, node = piece[order], node[order]
    found = []
    step = 1
    while step < len(node):
        same = node[step:] == node[:-step]
        if not same.any():
            break
        found.append(np.column_stack([piece[:-step], piece[step:]])[same])
        step += 1
    pairs = np.sort(np.vstack([np.empty((0, 2), dtype=np.int64), *found]), axis=1)
    pairs = np.unique(pairs, axis=0)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _components(size: int, pairs: Ints) -> Ints:
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _hotspot_pieces(
    pieces: gpd.GeoDataFrame, touching: Ints, part: Ints, hotspots: Sequence[shapely.Geometry]
) -> list[Ints]:
    """Return the pieces of each hotspot, with the shortest road between those that do not touch."""
    length = pieces["length_m"].to_numpy()
    a, b = touching.T
    way = np.maximum((length[a] + length[b]) / 2, 1e-6)
    graph = csr_array((way, (a, b)), shape=(len(pieces),) * 2)
    tree, groups = shapely.STRtree(pieces.geometry.to_numpy()), []
    for ground in hotspots:
        inside = np.sort(tree.query(ground, predicate="intersects"))
        if len(inside):
            groups.append(_with_ways(inside, graph, touching, part))
    return groups


def _with_ways(inside: Ints, graph: csr_array, touching: Ints, part: Ints) -> Ints:
    """Return the pieces and the shortest road between those that can be joined."""
    group = set(inside.tolist())
    while True:
        members = np.array(sorted(group))
        within = touching[np.isin(touching, members).all(axis=1)]
        label = _components(graph.shape[0], within)[members]
        first = members[label == label[0]]
        apart = members[(label != label[0]) & np.isin(part[members], part[first])]
        if len(apart) == 0:
            return members
        reached, before, _ = dijkstra(
            graph, directed=False, indices=first, min_only=True, return_predecessors=True
        )  # fmt: skip
        at = int(apart[reached[apart].argmin()])
        while at >= 0:
            group.add(at)
            at = int(before[at])


def _village_streets(pieces: gpd.GeoDataFrame, touching: Ints, mean_load: float) -> list[Ints]:
    """Return the connected built-up streets of each village that are light enough to stay in one beat."""
    street = pieces["built"].to_numpy() & pieces["road_class"].eq("village").to_numpy()
    unit, load = pieces["unit_id"].to_numpy(), pieces["total_min"].to_numpy()
    a, b = touching.T
    same = street[a] & street[b] & (unit[a] == unit[b])
    label = _components(len(pieces), touching[same])
    weight = np.bincount(label, weights=load)
    light = street & (weight <= VILLAGE_SHARE * mean_load)[label]
    return [rows for rows in _groups(label, np.flatnonzero(light)) if len(rows) > 1]


def _groups(label: Ints, rows: Ints) -> list[Ints]:
    """Return the rows of each label."""
    ordered = rows[np.argsort(label[rows], kind="stable")]
    return np.split(ordered, np.flatnonzero(np.diff(label[ordered])) + 1) if len(rows) else []


def _attach(pieces: gpd.GeoDataFrame, town: gpd.GeoDataFrame, part: Ints, loose: NDArray[np.bool_]) -> tuple[Ints, int]:
    """Return pairs (loose piece, piece of the network) that tie each loose group to its place, and how many by air."""
    tied: list[tuple[int, int]] = []
    by_air = 0
    groups = _groups(part, np.flatnonzero(loose))
    if not groups:
        return np.empty((0, 2), dtype=np.int64), 0
    start, end = pieces["from_node"].to_numpy(), pieces["to_node"].to_numpy()
    anchors = np.flatnonzero(~loose)
    names, at = np.unique(np.r_[town["from_node"].to_numpy(), town["to_node"].to_numpy()], return_inverse=True)
    metres = np.maximum(town["length_m"].to_numpy(), 1e-6)
    graph = csr_array((metres, (at[: len(town)], at[len(town) :])), shape=(len(names),) * 2)
    first, last = np.searchsorted(names, start[anchors]), np.searchsorted(names, end[anchors])
    shapes = pieces.geometry.to_numpy()
    for rows in groups:
        tied += [(int(rows[0]), int(row)) for row in rows]
        sources = np.searchsorted(names, np.unique(np.r_[start[rows], end[rows]]))
        reached = dijkstra(graph, directed=False, indices=sources, min_only=True)
        reached = np.minimum(reached[first], reached[last])
        if np.isfinite(reached).any():
            tied.append((int(rows[0]), int(anchors[reached.argmin()])))
        else:
            by_air += 1
            gap = shapely.distance(shapes[anchors], shapely.union_all(shapes[rows]))
            tied.append((int(rows[0]), int(anchors[gap.argmin()])))
    return np.array(tied, dtype=np.int64), by_air
