"""Villages: name, people, households, market days, work area; a point or a polygon each.

In:     a sheet with a name and a population for each village.
Out:    rows of schema VILLAGES; a row without a name, a population or a place is set aside.
Method: crime rates are per people who are there, so residents (常住) go before registered people (户籍) where a sheet
        has both; a note says on which row which was taken (DOMAIN 2.6, pitfall 13).
"""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_data.intake import lists, values
from gis_data.intake.headers import Match
from gis_data.intake.moments import as_moment
from gis_data.intake.points import column, number, shapes_of
from gis_data.intake.report import Sorted, mostly_outside
from gis_data.intake.sheets import Sheet
from gis_data.study import Study
from gis_data.tables import VILLAGES

BEYOND = 0.05  # of its land; borders drawn twice differ by less
NAMESAKES_APART_M = 500.0  # nearer, it is one village listed twice
RESIDENT, REGISTERED = "常住", "户籍"
_DIGITS = dict(zip("一二三四五六七八九十", range(1, 11), strict=True))


def read(sheet: Sheet, match: Match, study: Study) -> Sorted:
    """Sort the rows of one sheet of villages."""
    shapes = shapes_of(sheet, match, study)
    names = column(sheet, match, "name")
    ids = column(sheet, match, "village_id")
    people, notes = _population(sheet, match)
    aliases = column(sheet, match, "aliases").str.replace(r"[、,，;；/]+ *", ";", regex=True)
    town, shared = column(sheet, match, "town"), names.duplicated(keep=False) & (names != "")
    aliases = aliases.mask(shared & (town != ""), (town + names + ";" + aliases).str.strip(";"))
    ids = ids.mask(ids == "", names)
    shapes, pieces, later = _pieces_together(ids, shapes)
    inner = shapes.representative_point()
    rows = pd.DataFrame(
        {
            "village_id": ids,
            "name": names,
            "aliases": aliases,
            "population": people.fillna(0).clip(lower=0).round(),
            "households": number(sheet, match, "households").fillna(0).clip(lower=0).round(),
            "market_days": column(sheet, match, "market_days").map(market_days),
            "work_area": column(sheet, match, "work_area"),
            "is_seat": column(sheet, match, "is_seat").map(
                lambda word: lists.words("flag").get(lists.plain(word)) == "1"
            ),
            "valid_from": as_moment(column(sheet, match, "valid_from"), timezone=study.timezone),
            "valid_to": as_moment(column(sheet, match, "valid_to"), timezone=study.timezone),
            "centre_x": inner.x,
            "centre_y": inner.y,
            "source_row": sheet.rows,
        }
    )
    reasons = _judge(rows, people, shapes, study, later)
    kept = ((reasons == "") & ~later).to_numpy()
    frame = gpd.GeoDataFrame(rows, geometry=shapes.to_numpy(), crs=study.crs)[kept]
    accepted = VILLAGES.conform(frame, crs=study.crs, timezone=study.timezone)
    notes |= _outlines(shapes, pieces, study)
    notes["village_namesake"] = rows["name"].where((reasons == "") & ~later).duplicated(keep=False) & ~later
    told = {key: flags & (reasons == "") for key, flags in notes.items()}
    away = mostly_outside(reasons == "outside", ~shapes.is_empty)
    return Sorted("villages", accepted, reasons, pd.Series("", index=reasons.index), notes=told, remarks=away)


def _pieces_together(ids: pd.Series, shapes: gpd.GeoSeries) -> tuple[gpd.GeoSeries, pd.Series, pd.Series]:
    """Return shapes with the pieces of a village listed row by row in its first row, all such rows, and the later ones.

    Pieces lie apart; outlines that overlap are one village listed twice.
    """
    pieces, later = pd.Series(False, index=ids.index), pd.Series(False, index=ids.index)
    outlined = shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & shapes.is_valid & (ids != "")
    for _, group in shapes[outlined & ids.where(outlined).duplicated(keep=False)].groupby(ids):
        whole = group.union_all()
        if whole.area >= (1 - BEYOND) * group.area.sum():
            pieces[group.index], later[group.index[1:]] = True, True
            shapes = shapes.copy()
            shapes[group.index[0]] = whole
    return shapes, pieces, later


def _outlines(shapes: gpd.GeoSeries, pieces: pd.Series, study: Study) -> dict[str, pd.Series]:
    """Tell which villages have several separate pieces, and which reach well beyond the boundary."""
    outlined = shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & shapes.is_valid
    several = pieces | (outlined & (shapes.count_geometries() > 1))
    share = shapely.area(shapely.intersection(shapes.where(outlined).to_numpy(), study.boundary)) / shapes.area
    return {"village_parts": several, "village_beyond": outlined & (share < 1 - BEYOND)}


def _population(sheet: Sheet, match: Match) -> tuple[pd.Series, dict[str, pd.Series]]:
    """Return each village's people, residents before plain «人口» before registered people, and what was taken."""
    columns = match.fields.get("population", ())
    counted = {name: values.as_number(sheet.frame[name]) for name in columns}
    resident, registered = ([name for name in columns if kind in name] for kind in (RESIDENT, REGISTERED))
    plain = [name for name in columns if name not in resident + registered]
    people = pd.Series(float("nan"), index=sheet.frame.index)
    for name in (*resident, *plain, *registered):
        people = people.fillna(counted[name])
    nobody = pd.Series(False, index=sheet.frame.index)
    first, last = (
        pd.concat([counted[name].notna() for name in part], axis=1).any(axis=1) if part else nobody
        for part in (resident, registered)
    )
    plainly = pd.concat([counted[name].notna() for name in plain], axis=1).any(axis=1) if plain else nobody
    return people, {"population_resident": first & last, "population_registered": last & ~first & ~plainly}


def market_days(written: str) -> str:
    """Return the last digits of lunar market days, rising and separated by commas: «逢五排十» is "5,10"."""
    days = {int(digits) for digits in re.findall(r"\d+", written)} or {
        _DIGITS[sign] for sign in written if sign in _DIGITS
    }
    return ",".join(str(day) for day in sorted({(day - 1) % 10 + 1 for day in days if day > 0}))


def _judge(rows: pd.DataFrame, people: pd.Series, shapes: gpd.GeoSeries, study: Study, later: pd.Series) -> pd.Series:
    reasons = pd.Series("", index=rows.index, dtype="str")
    away = ~shapes.is_empty & ~shapes.intersects(study.boundary)
    wrong_shape = ~shapes.is_empty & ~shapes.geom_type.isin(VILLAGES.geometry or ())
    reasons = reasons.mask(away, "outside").mask(wrong_shape, "wrong_shape").mask(shapes.is_empty, "no_place")
    reasons = reasons.mask(people.isna() | (people < 0), "no_population")
    reasons = reasons.mask(values.is_total(rows["name"]), "total_row").mask(rows["name"] == "", "no_name")
    good = (reasons == "") & ~later
    twice = rows["village_id"].where(good).duplicated() | _listed_before(rows[good]).reindex(
        rows.index, fill_value=False
    )
    return reasons.mask(good & twice, "duplicate")


def _listed_before(rows: pd.DataFrame) -> pd.Series:
    """Tell which rows name a village that a row before them names: two of one name have ids and places of their own."""
    again = pd.Series(False, index=rows.index)
    for _, group in rows[rows["name"].duplicated(keep=False)].groupby("name", sort=False):
        xy = group[["centre_x", "centre_y"]].to_numpy()
        own = (group["village_id"] != group["name"]).to_numpy()
        for place in range(1, len(group)):
            near = np.hypot(*(xy[:place] - xy[place]).T) < NAMESAKES_APART_M
            again[group.index[place]] = bool(near.any() or not own[: place + 1].all())
    return again
