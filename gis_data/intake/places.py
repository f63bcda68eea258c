"""Places: how well the place of a row is known, and which village it belongs to.

In:     coordinates as written, village names, addresses; the study and its villages.
Out:    points in the study's CRS, a precision, a village id.
Method: a spike (many rows at one point that name many villages) is a default of the dispatch system, not a place; a
        point at a village's own centre says only which village it was. Such rows keep their village and lose their
        point (DOMAIN 2.6, pitfalls 1, 2, 11).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from gis_data.intake import values
from gis_data.study import WGS84, Study

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# A spike: at least this share of the rows with a point and this many of them, at one 6-decimal point, naming this many
# villages. Real repeat places (a market street, a bar) name one village; a month's file has about 150 rows.
SPIKE_SHARE = 0.02
SPIKE_ROWS = 10
SPIKE_VILLAGES = 5
# A village centre is recognised within what is left of 6 decimals after projection and back.
SAME_PLACE_M = 1.0
SHORTEST_WORD = 2  # a work area called «5» stands in every house number
LONGEST_LINE = 3  # of villages merged, and merged again
# Points are often put on the border road itself; digitised and projected they fall up to a metre outside
# (Chicago: 673 of 87,000). They come in, moved onto the ground just inside, so that they lie in a cell.
BORDER_M = 1.0
# A village name may not start in the middle of a longer one: 万家埠 is not found in 后万家埠.
_NOT_AFTER = "东西南北前后大小上下新老中"
# Nor name something else: a town, or a street that may be anywhere (石家埠镇, 石家埠大街; 石家埠路口 is there).
_NOT_BEFORE = "镇|乡|街道|大街|大道|路(?![口边旁东西南北])"
# A rest of two characters (镇东) also starts the names of streets and quarters: it counts right behind the town's name.
_SHORT_BEHIND, _SHORT_NOT_BEFORE = "镇乡", "大小街路头边侧部关门东西南北"
# 村 and the committee behind it: 石家埠村村民委员会, 石家埠村委会, 石家埠村 and 石家埠 are one village.
_SUFFIX = re.compile(r"(?:社区)?村?(?:村民委员会|居民委员会|村委会|居委会)?$")
_COMMITTEE = re.compile(r"(?:村民委员会|居民委员会|村委会|居委会)$")


def read_points(lon: pd.Series, lat: pd.Series, study: Study) -> gpd.GeoSeries:
    """Return points in the study's CRS from degrees (WGS-84) or metres; empty where there is none.

    A missing coordinate, a zero, or a value in no known range gives an empty point, never a point at (0, 0).
    """
    written = lon.notna() & lat.notna() & (lon != 0) & (lat != 0)
    in_degrees = written & (lon.abs() <= 180) & (lat.abs() <= 90)
    west, south, east, north = study.boundary.bounds
    reach = max(east - west, north - south)
    in_metres = (
        written & ~in_degrees & lon.between(west - reach, east + reach) & lat.between(south - reach, north + reach)
    )
    points = np.full(len(lon), shapely.Point(), dtype=object)
    degrees = gpd.GeoSeries(gpd.points_from_xy(lon[in_degrees], lat[in_degrees]), crs=WGS84).to_crs(study.crs)
    # A place where the study's projection does not reach (the null island of another continent) has no metres.
    reachable = np.isfinite(degrees.x) & np.isfinite(degrees.y)
    points[in_degrees.to_numpy()] = degrees.where(reachable, shapely.Point()).to_numpy()
    points[in_metres.to_numpy()] = shapely.points(lon[in_metres].to_numpy(), lat[in_metres].to_numpy())
    return gpd.GeoSeries(points, index=lon.index, crs=study.crs)


def keep_inside(x: Floats, y: Floats, study: Study) -> tuple[Floats, Floats, Flags]:
    """Return places in metres, those on the border moved just inside, and which of them lie outside the study.

    Parameters
    ----------
    x, y
        Metres in the study's CRS; NaN for no place.
    """
    ground = study.boundary
    shapely.prepare(ground)
    outside = np.isfinite(x) & ~shapely.intersects_xy(ground, x, y)
    beyond = np.flatnonzero(outside)
    points = shapely.points(x[beyond], y[beyond])
    near = shapely.distance(points, ground) <= BORDER_M
    if near.any():
        ends = shapely.get_point(shapely.shortest_line(points[near], ground.buffer(-0.1)), -1)
        x, y = x.copy(), y.copy()
        x[beyond[near]], y[beyond[near]] = shapely.get_x(ends), shapely.get_y(ends)
        outside[beyond[near]] = False
    return x, y, outside


def at_village_centre(x: Floats, y: Floats, villages: gpd.GeoDataFrame) -> Flags:
    """Tell which places are a village's own centre; NaN is no place."""
    found = np.zeros(len(x), dtype=bool)
    if not villages.empty:
        centres = villages[["centre_x", "centre_y"]].to_numpy(dtype=float)
        # Few places are just as far east as any centre: a tree is asked about those only.
        east = np.sort(centres[:, 0])
        after = np.searchsorted(east, x)
        off_m = np.minimum(np.abs(x - east[after - 1]), np.abs(x - east[np.minimum(after, len(east) - 1)]))
        near = np.flatnonzero(off_m <= SAME_PLACE_M)
        xy = np.column_stack([x[near], y[near]])
        found[near] = KDTree(centres).query(xy, distance_upper_bound=2 * SAME_PLACE_M)[0] <= SAME_PLACE_M
    return found


def village_by_name(names: pd.Series, villages: pd.DataFrame) -> pd.Series:
    """Return the village id that each cell names, by name, alias or id; "" if none."""
    known = _village_names(villages)
    return values.recoded(values.as_words(names), lambda name: known.get(_short(name), ""))


def village_in_address(addresses: pd.Series, villages: pd.DataFrame) -> pd.Series:
    """Return the village id whose name an address holds first, of two that start alike the longer; "" if none.

    What follows the name (a householder, a house number) is not looked at.
    """
    listed = _listed_names(villages)
    # An address says 石桥村 where the list says 石桥村村民委员会.
    listed = {_COMMITTEE.sub("", name): village for name, village in reversed(listed.items())} | listed
    known = {_short(name): village for name, village in reversed(listed.items())} | listed
    if not known:
        return values.recoded(values.as_words(addresses), lambda _: "")
    short = {name for name in known if len(name) == 2} - set(listed)
    names, rests = (
        "|".join(map(re.escape, sorted(part, key=len, reverse=True))) for part in (set(known) - short, short)
    )
    pattern = re.compile(
        f"(?<![{_NOT_AFTER}])(?:{names or '(?!)'})(?!{_NOT_BEFORE})"
        f"|(?:^|(?<=[{_SHORT_BEHIND}]))(?:{rests or '(?!)'})(?![{_SHORT_NOT_BEFORE}])"
    )

    def one(address: str) -> str:
        hit = pattern.search(address)
        return known[hit.group()] if hit else ""

    return values.recoded(values.as_words(addresses), one)


def told_apart(
    found: pd.Series, said: Sequence[pd.Series], work_area: pd.Series, at: pd.Series, villages: pd.DataFrame
) -> tuple[pd.Series, Flags]:
    """Decide which of several villages of one name a row means; also return which rows leave it open.

    A village is meant if its own word for it (an alias such as 店子镇石桥村, its work area) stands in what the row
    says, or its work area in the row's; failing that if it alone stood at the time.

    Parameters
    ----------
    found
        Village id that a row's words gave (words); "" where none.
    said
        Columns of everything the row says of its place.
    """
    unclear = np.zeros(len(found), dtype=bool)
    for group in _namesakes(villages):
        asked = np.flatnonzero(found.isin(group.index))
        if len(asked):
            texts = [values.as_written(column.iloc[asked]).to_numpy(dtype=object) for column in (*said, work_area)]
            spoken = pd.Series(["，".join(parts) for parts in zip(*texts[:-1], strict=True)], dtype="str")
            meant = _meant(group, spoken, pd.Series(texts[-1]), at.iloc[asked].reset_index(drop=True))
            for village in {*meant}:
                rows = np.zeros(len(found), dtype=bool)
                rows[asked[meant == village]] = True
                found = values.with_word(found, rows, village)
            unclear[asked[meant == ""]] = True
    return found, unclear


def _meant(group: pd.DataFrame, spoken: pd.Series, area: pd.Series, at: pd.Series) -> NDArray[np.object_]:
    """Return which village of one name each row means; "" where nothing tells."""
    by_word, then = pd.DataFrame(index=spoken.index), pd.DataFrame(index=spoken.index)
    for village, words in _own_words(group).items():
        own, start, end = group.loc[village, ["work_area", "valid_from", "valid_to"]]
        alone = own != "" and (group["work_area"] == own).sum() == 1
        by_word[village] = spoken.str.contains("|".join(map(re.escape, words)) if words else "(?!)") | (
            alone & (area == own)
        )
        then[village] = ~((at < start) | (at >= end))
    fits = by_word.where(by_word.any(axis=1), then, axis=0).astype(bool)
    return np.where(fits.sum(axis=1) == 1, fits.idxmax(axis=1), "").astype(object)


def _namesakes(villages: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the villages that share a name with another, group by group, by their id."""
    short = villages["name"].astype(str).map(_short)
    shared = villages[short.duplicated(keep=False)].set_index("village_id")
    return [group for _, group in shared.groupby(short[short.duplicated(keep=False)].to_numpy())]


def _own_words(group: pd.DataFrame) -> dict[str, list[str]]:
    """Return the words that tell each village of a group from the others: its id, aliases, full name, work area."""
    words = {}
    for village, name, aliases, area in zip(
        group.index, group["name"], group["aliases"], group["work_area"], strict=True
    ):
        names = {_COMMITTEE.sub("", word) for word in (str(name), *str(aliases).split(";"))}
        words[str(village)] = {word for word in (str(village), str(area), *names) if len(word) >= SHORTEST_WORD}
    every = pd.Series([word for own in words.values() for word in own])
    common = set(every[every.duplicated()])
    return {village: sorted(own - common) for village, own in words.items()}


def valid_then(found: pd.Series, at: pd.Series, villages: pd.DataFrame) -> pd.Series:
    """Return the village that stood at the time: a village that has ended gives way to the one that bears its name now.

    Parameters
    ----------
    found
        Village ids (words); "" where none is known.
    at
        Moment of each row.
    """
    heirs: dict[str, str] = {}
    for village, _, aliases in _named(villages):
        heirs |= dict.fromkeys(map(_short, filter(None, aliases)), village)
    ended, found = villages[villages["valid_to"].notna()], values.as_words(found)
    for _ in range(LONGEST_LINE if len(ended) else 0):
        for village, name, until in zip(ended["village_id"], ended["name"], ended["valid_to"], strict=True):
            heir = heirs.get(_short(str(name)), village)
            found = values.with_word(found, (found == village) & (at >= until), heir)
    return found


def village_by_point(x: Floats, y: Floats, villages: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the village each place lies in, else the one with the nearest centre; "" for NaN or without villages."""
    found = np.full(len(x), "", dtype=object)
    known = np.isfinite(x)
    if villages.empty or not known.any():
        return found
    ids = villages["village_id"].to_numpy(dtype=object)
    xy = np.column_stack([x[known], y[known]])
    nearest = ids[KDTree(villages[["centre_x", "centre_y"]].to_numpy(dtype=float)).query(xy)[1]]
    inside, area = shapely.STRtree(villages.geometry.to_numpy()).query(shapely.points(xy), predicate="intersects")
    nearest[inside[::-1]] = ids[area[::-1]]  # reversed: on a shared border the first village takes the point
    found[known] = nearest
    return found


def _village_names(villages: pd.DataFrame) -> dict[str, str]:
    names: dict[str, str] = {_short(village): village for village in villages["village_id"].astype(str)}
    for name, village in _listed_names(villages).items():
        names.setdefault(_short(name), village)
    return names


def _listed_names(villages: pd.DataFrame) -> dict[str, str]:
    """Return name -> village: own names first, then aliases, which another village may bear or have borne."""
    names: dict[str, str] = {}
    for village, name, _ in _named(villages):
        names.setdefault(name, village)
    for village, _, aliases in _named(villages):
        for alias in filter(None, aliases):
            names.setdefault(alias, village)
    return names


def _named(villages: pd.DataFrame) -> Iterator[tuple[str, str, list[str]]]:
    columns = (villages[column].astype(str).tolist() for column in ("village_id", "name", "aliases"))
    for village, name, aliases in zip(*columns, strict=True):
        yield village, name, aliases.split(";")


@cache
def _short(name: str) -> str:
    """Return a village's name without 村, 村委会, 社区: lists, addresses and codes differ in these only."""
    text = name.strip()
    short = _SUFFIX.sub("", text)
    return short if len(short) >= 2 else text
