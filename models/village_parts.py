"""A village that outweighs a zone, divided into its natural villages (自然村) so that zones can be even.

In:     villages, cells and their walkable neighbours, buildings, each cell's work, and how much a part may carry.
Out:    ``Parts``: for each cell of a divided village its part; tables in which each part is a village of its own.
Method: dwellings whose cells touch are one natural village; the village's other cells go to the nearest of them along
        the walkable grid, so that parts are connected where the village is. A part still too heavy is halved between
        its two cells farthest apart, as long as that helps. What names only the village (an incident without a point,
        people, fixed duties) is shared by dwellings; an incident always falls to the same part, whatever else is
        recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from gis_data import cells as grid
from gis_data.catalogue import text
from models.districting.problem import Floats, Ints

MARK = "#"  # between a village's id and the number of its part


@dataclass(frozen=True)
class Parts:
    """Divided villages.

    Attributes
    ----------
    cells
        One row a cell of a divided village: ``cell_id``, ``village_id``, ``unit_id``, ``homes`` (dwellings in the
        cell), ``share`` (of the village's dwellings in the cell's part).
    """

    cells: pd.DataFrame

    @property
    def shares(self) -> pd.DataFrame:
        """One row a part: ``village_id``, ``unit_id``, ``share``; shares of a village sum to one."""
        return self.cells.drop(columns="cell_id").drop_duplicates("unit_id").sort_values("unit_id", ignore_index=True)

    def moved(
        self, cell_ids: Iterable[int], zone_id: str, *, zone_of: Mapping[str, str], cell_edges: pd.DataFrame
    ) -> tuple["Parts", dict[str, str]]:
        """Return the parts with some cells in another zone, and the zone of each part; every part stays connected.

        The cells join the part of that zone, of their own village, with which they have the longest border; where
        there is none they are a part of their own, and so is what they leave cut off from its part.

        Parameters
        ----------
        zone_of
            The zone of each part.
        cell_edges
            Which cells can be walked between, with ``border_m``.
        """
        cells = self.cells.reset_index(drop=True)
        coming = cells["cell_id"].isin(list(cell_ids)).to_numpy()
        row = pd.Series(np.arange(len(cells)), index=cells["cell_id"])
        ends = cell_edges[["cell_a", "cell_b"]].apply(lambda column: column.map(row)).to_numpy()
        known = ~np.isnan(ends).any(axis=1)
        a, b = ends[known].astype(np.int64).T
        border_m, village, unit = cell_edges["border_m"].to_numpy()[known], cells["village_id"], cells["unit_id"]
        name = np.where(coming, village + MARK, unit)
        piece = _pieces(len(cells), a, b, name)
        new, zone = _named(piece, coming, village.to_numpy(), unit.to_numpy()), dict(zone_of)
        for number in np.unique(piece[coming]):
            mine = piece == number
            outside = np.where(mine[a], b, a)[mine[a] != mine[b]]
            beside = pd.Series(border_m[mine[a] != mine[b]]).groupby(new[outside]).sum()
            host = beside[[zone.get(part) == zone_id and part.startswith(village[mine.argmax()] + MARK)
                           for part in beside.index]]  # fmt: skip
            new[mine] = host.idxmax() if len(host) else new[mine]
        for part, first in zip(*np.unique(new, return_index=True), strict=True):
            if part not in zone:
                zone[part] = zone_id if coming[first] else zone_of[unit[first]]
        parts = Parts(_with_shares(cells.assign(unit_id=new)))
        return parts, {part: zone[part] for part in np.unique(new)}

    def of_cells(self, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the cells with the part in place of a divided village."""
        part = self.cells.set_index("cell_id")["unit_id"]
        return cells.assign(village_id=cells["cell_id"].map(part).fillna(cells["village_id"]).astype("str"))

    def of_villages(self, villages: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the villages with a row a part in place of each divided one; ``share`` is 1 for the others."""
        whole = villages[~villages["village_id"].isin(self.cells["village_id"])]
        rows = [whole.assign(share=1.0, village=whole["name"])]
        for village_id, parts in self.shares.groupby("village_id"):
            parent = villages[villages["village_id"] == village_id]
            for unit_id, share in zip(parts["unit_id"], parts["share"], strict=True):
                number = int(str(unit_id).rpartition(MARK)[2])
                ids = self.cells.loc[self.cells["unit_id"] == unit_id, "cell_id"]
                mine = cells[cells["cell_id"].isin(ids)]
                rows.append(_part_row(parent, str(unit_id), float(share), number, mine))
        table = pd.concat(rows, ignore_index=True)
        return gpd.GeoDataFrame(table, geometry="geometry", crs=villages.crs)

    def of_incidents(self, incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the incidents with a part in place of a divided village's name, drawn by its own id."""
        village = incidents["village_id"].astype("object").copy()
        for village_id, parts in self.shares.groupby("village_id"):
            mine = (incidents["village_id"] == village_id).to_numpy()
            chance = pd.util.hash_array(incidents.loc[mine, "incident_id"].to_numpy(dtype=object)) / 2.0**64
            place = np.searchsorted(parts["share"].cumsum().to_numpy(), chance, side="right")
            village[mine] = parts["unit_id"].to_numpy()[np.minimum(place, len(parts) - 1)]
        return incidents.assign(village_id=village.astype("str"))


def divide(
    heavy: Iterable[str],
    cells: gpd.GeoDataFrame,
    cell_edges: pd.DataFrame,
    buildings: gpd.GeoDataFrame,
    cell_work: Floats,
    *,
    most: float,
) -> Parts:
    """Divide villages into their natural villages, none of them heavier than ``most`` where cells allow.

    Parameters
    ----------
    cell_work
        Work of each cell, minutes a week, shape (cells,).
    """
    homes = dwellings_per_cell(cells, buildings)
    matrix = grid.edge_matrix(len(cells), cell_edges)
    rows = []
    for village_id in heavy:
        own = np.flatnonzero((cells["village_id"] == village_id).to_numpy())
        part = _divided(cells.iloc[own], matrix[own][:, own], homes[own], cell_work[own], most)
        rows.append(
            pd.DataFrame(
                {
                    "cell_id": cells["cell_id"].to_numpy()[own],
                    "village_id": village_id,
                    "unit_id": [f"{village_id}{MARK}{number + 1}" for number in part],
                    "homes": homes[own],
                }
            )
        )
    return Parts(_with_shares(pd.concat(rows, ignore_index=True)))


def _with_shares(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with the share of each one's part: of the dwellings, or of the cells where a part has none."""
    homes = cells.groupby("unit_id")["homes"].transform("sum")
    bare = (homes == 0).groupby(cells["village_id"]).transform("any")
    weight = cells["homes"].where(~bare, 1.0)
    whole = weight.groupby(cells["village_id"]).transform("sum")
    return cells.assign(share=weight.groupby(cells["unit_id"]).transform("sum") / whole)


def _pieces(size: int, a: Ints, b: Ints, name: np.ndarray) -> Ints:
    """Return the number of the connected piece of each cell, over edges between cells of one name."""
    same = name[a] == name[b]
    graph = csr_array((np.ones(same.sum()), (a[same], b[same])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _named(piece: Ints, coming: np.ndarray, village: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the part of each cell: the largest piece of a part keeps its name, the others have new ones."""
    new = unit.astype(object).copy()
    last = {v: max(int(u.rpartition(MARK)[2]) for u in set(unit[village == v])) for v in set(village)}
    kept = {part: np.bincount(piece[(unit == part) & ~coming], minlength=1).argmax() for part in set(unit[~coming])}
    for number in np.unique(piece):
        mine = piece == number
        first = int(mine.argmax())
        if coming[first] or kept[unit[first]] != number:
            last[village[first]] += 1
            new[mine] = f"{village[first]}{MARK}{last[village[first]]}"
    return new


def dwellings_per_cell(cells: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> Floats:
    """Return how many dwellings stand in each cell."""
    homes = buildings[buildings["is_dwelling"]] if len(buildings) else buildings
    cell = grid.locate(cells, homes.geometry.centroid)
    return np.bincount(cell[cell >= 0], minlength=len(cells)).astype(np.float64)


def _divided(cells: gpd.GeoDataFrame, matrix: csr_array, homes: Floats, work: Floats, most: float) -> Ints:
    """Return the part of each cell of one village, the part farthest north-west first."""
    built = np.flatnonzero(homes > 0)
    clusters = connected_components(_beside(cells.iloc[built]), directed=False)[1] if len(built) else np.zeros(0, int)
    part = _to_nearest(cells, matrix, built, clusters) if len(built) else np.zeros(len(cells), dtype=np.int64)
    while True:
        weight = np.bincount(part, weights=work)
        sizes = np.bincount(part)
        heavy = np.flatnonzero((weight > most) & (sizes > 1) & _can_shrink(part, work, most))
        if not len(heavy):
            return _in_reading_order(cells, part)
        target = int(heavy[weight[heavy].argmax()])
        members = np.flatnonzero(part == target)
        ends = _farthest_pair(cells.iloc[members])
        side = _to_nearest(cells.iloc[members], matrix[members][:, members], ends, np.array([0, 1]))
        part[members[side == 1]] = part.max() + 1


def _can_shrink(part: Ints, work: Floats, most: float) -> np.ndarray:
    """Tell for which parts halving can help: not where one cell alone makes the part as heavy as it is."""
    parts = int(part.max()) + 1
    return np.array([work[part == number].sum() - work[part == number].max() > 0.1 * most for number in range(parts)])


def _beside(cells: gpd.GeoDataFrame) -> csr_array:
    """Return which cells touch, at a side or a corner."""
    row, col = cells["row"].to_numpy(), cells["col"].to_numpy()
    near = (np.abs(row[:, None] - row) <= 1) & (np.abs(col[:, None] - col) <= 1)
    return csr_array(near.astype(np.float64))


def _to_nearest(cells: gpd.GeoDataFrame, matrix: csr_array, seeds: Ints, names: Ints) -> Ints:
    """Give every cell the name of the nearest seed along the walkable grid, or as the crow flies where none is."""
    xy = cells[["x", "y"]].to_numpy()
    coo = matrix.tocoo()
    graph = csr_array((np.hypot(*(xy[coo.row] - xy[coo.col]).T), (coo.row, coo.col)), shape=matrix.shape)
    walk = dijkstra(graph, indices=seeds)
    air = np.hypot(*(xy[seeds][:, None] - xy[None]).transpose(2, 0, 1))
    far = np.where(np.isfinite(walk), walk, 1e6 + air)
    return np.asarray(names[far.argmin(axis=0)], dtype=np.int64)


def _farthest_pair(cells: gpd.GeoDataFrame) -> Ints:
    xy = cells[["x", "y"]].to_numpy()
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    return np.array(np.unravel_index(int(apart.argmax()), apart.shape), dtype=np.int64)


def _in_reading_order(cells: gpd.GeoDataFrame, part: Ints) -> Ints:
    middle = cells.assign(part=part).groupby("part")[["x", "y"]].mean()
    order = np.lexsort((middle.index, (middle["x"] - middle["y"]).to_numpy()))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[part]


def _part_row(
    parent: gpd.GeoDataFrame, unit_id: str, share: float, number: int, mine: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return a part, whose cells are ``mine``, as a row of the village table: its own name, centre and people."""
    name, middle = str(parent["name"].iloc[0]), mine[["x", "y"]].mean()
    nearest = mine.iloc[int(np.hypot(mine["x"] - middle["x"], mine["y"] - middle["y"]).to_numpy().argmin())]
    return parent.assign(
        village_id=unit_id, name=text("zones.part_name", village=name, number=number), village=name, share=share,
        population=round(parent["population"].iloc[0] * share), households=round(parent["households"].iloc[0] * share),
        centre_x=float(nearest["x"]), centre_y=float(nearest["y"]),
    )  # fmt: skip
