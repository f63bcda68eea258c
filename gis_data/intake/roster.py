"""The roster: crews, and the hours they patrolled.

In:     a sheet of crews, or a sheet of hours by month, village and six-hour band.
Out:    rows of schemas CREWS and PATROL_HOURS. A crew is a number, never a person.
"""

import re

import pandas as pd

from gis_data.intake import lists, places, values
from gis_data.intake.headers import Match
from gis_data.intake.moments import as_moment
from gis_data.intake.points import column, number
from gis_data.intake.report import Sorted
from gis_data.intake.sheets import Sheet
from gis_data.tables import CREWS, PATROL_HOURS

BANDS = ("00-06", "06-12", "12-18", "18-24")
# Hours filled in afterwards: a month of whole hours only, or one figure for every village (DOMAIN 2.6, pitfall 17).
WHOLE_ROWS, IDENTICAL_VILLAGES = 20, 5


def read_crews(sheet: Sheet, match: Match) -> Sorted:
    """Sort the rows of one sheet of crews."""
    modes, powers = column(sheet, match, "mode"), column(sheet, match, "powers")
    rows = pd.DataFrame(
        {
            "crew_id": column(sheet, match, "crew_id"),
            "mode": coded(modes, "mode"),
            "officers": number(sheet, match, "officers").fillna(0).clip(lower=0).round(),
            "auxiliaries": number(sheet, match, "auxiliaries").fillna(0).clip(lower=0).round(),
            "shift": column(sheet, match, "shift"),
            "powers": coded(powers, "powers").replace("", "assist"),
        }
    )
    reasons = pd.Series("", index=rows.index, dtype="str")
    reasons = reasons.mask(rows["mode"] == "", "mode_unknown").mask(rows["crew_id"] == "", "no_name")
    reasons = reasons.mask((reasons == "") & rows["crew_id"].where(reasons == "").duplicated(), "duplicate")
    details = modes.where(reasons == "mode_unknown", "")
    unheard = powers[(powers != "") & (coded(powers, "powers") == "")].value_counts()
    unknown = {str(word): int(count) for word, count in unheard.items()}
    return Sorted("crews", CREWS.conform(rows[reasons == ""]), reasons, details, unknown=unknown)


def read_patrol_hours(sheet: Sheet, match: Match, villages: pd.DataFrame, *, timezone: str) -> Sorted:
    """Sort the rows of one sheet of patrol hours; several rows of one month, village and band are added up."""
    named = column(sheet, match, "village")
    hours = number(sheet, match, "hours")
    rows = pd.DataFrame(
        {
            "month": _months(sheet.frame[match.fields["month"][0]], timezone),
            "band": column(sheet, match, "band").map(band).astype("str"),
            "hours": hours,
            "source_row": sheet.rows,
        },
        index=named.index,
    )
    month = pd.to_datetime(rows["month"], format="%Y-%m", errors="coerce").dt.tz_localize(timezone)
    meant, _ = places.told_apart(places.village_by_name(named, villages), (named,), named, month, villages)
    rows["village_id"] = values.as_written(meant)
    then = values.as_written(places.valid_then(rows["village_id"], month, villages))
    merged = then != rows["village_id"]
    rows = rows.assign(village_id=then)
    reasons = pd.Series("", index=rows.index, dtype="str")
    reasons = reasons.mask(hours.isna() | (hours < 0), "no_hours").mask(rows["band"] == "", "band_unknown")
    reasons = reasons.mask(rows["village_id"] == "", "village_unknown").mask(rows["month"] == "", "no_month")
    reasons = reasons.mask(values.is_total(named), "total_row")
    details = named.where(reasons == "village_unknown", "")
    good = rows[reasons == ""]
    groups = good.groupby(["month", "village_id", "band"], sort=False)
    summed = groups.agg({"hours": "sum", "source_row": "min"}).reset_index()
    notes = {"village_merged": merged & (reasons == ""), **_filled_in_afterwards(good, rows.index)}
    return Sorted("patrol_hours", PATROL_HOURS.conform(summed), reasons, details, notes=notes)


def _filled_in_afterwards(good: pd.DataFrame, index: pd.Index) -> dict[str, pd.Series]:
    """Tell the rows of months without a half hour, and of bands in which every village has the same hours."""
    by_month, by_band = good.groupby("month")["hours"], good.groupby(["month", "band"])
    whole = (good["hours"] % 1 == 0).groupby(good["month"]).transform("all") & (
        by_month.transform("size") >= WHOLE_ROWS
    )
    same = (by_band["hours"].transform("nunique") == 1) & (
        by_band["village_id"].transform("nunique") >= IDENTICAL_VILLAGES
    )
    flags = {"hours_whole": whole, "hours_identical": same}
    return {name: flag.reindex(index, fill_value=False).astype(bool) for name, flag in flags.items()}


def band(written: str) -> str:
    """Return the six-hour band that a cell such as «18-24», «18:00—24:00» or «夜间18时至24时» names; "" if none."""
    numbers = re.findall(r"\d{1,2}(?=[时点:]|\D|$)", re.sub(r":\d\d", "", written))
    if len(numbers) < 2:
        return ""
    start, end = int(numbers[0]), int(numbers[1]) or 24
    found = f"{start:02d}-{end:02d}"
    return found if found in BANDS else ""


def _months(cells: pd.Series, timezone: str) -> pd.Series:
    text = values.as_text(cells)
    parts = text.str.extract(r"^(\d{4})[-/.年]?(\d{1,2})(?!\d)")
    # A cell that the spreadsheet took for a date carries a day and a clock; the first two numbers are year and month.
    months = pd.to_numeric(parts[1], errors="coerce")
    written = parts[0] + "-" + parts[1].str.zfill(2)
    from_dates = as_moment(cells, timezone=timezone).dt.strftime("%Y-%m")
    return written.where(months.between(1, 12)).fillna(from_dates).fillna("").astype("str")


def coded(cells: pd.Series, field: str) -> pd.Series:
    """Return the house's word for each cell of a coded field, the longest known word it holds; "" if none."""
    known = lists.words(field)

    def one(word: str) -> str:
        word = lists.plain(word)
        held = (value for name, value in sorted(known.items(), key=lambda item: -len(item[0])) if name and name in word)
        return known.get(word) or next(held, "")

    return cells.map({word: one(word) for word in cells.unique()}).astype("str")
