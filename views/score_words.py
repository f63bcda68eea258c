"""Small numbers in words: a count or rate with its limits, and how far a zone can be told from the others."""

import pandas as pd

from gis_data.catalogue import text


def count_with_interval(count: float, low: float, high: float) -> str:
    """Return a count with its limits, "12 (6.2–21)": no digit behind the point where there are whole tens."""
    return f"{count:,.0f} ({_rounded(low, 1)}–{_rounded(high, 1)})"


def rate_with_interval(rate: float, low: float, high: float) -> str:
    """Return a rate with its limits, "213 (184–269)", or a dash where there is none."""
    return "—" if pd.isna(rate) else f"{limit(rate)} ({limit(low)}–{limit(high)})"


def told_apart(best: int, worst: int, zones: int) -> str:
    """Say how many zones are surely higher and lower; the others cannot be told apart from this one."""
    higher, lower, rest = best - 1, zones - worst, worst - best
    if higher == lower == 0:
        return text("scorecard.apart.none") if rest else text("scorecard.apart.alone")
    key = "scorecard.apart.some" if rest else "scorecard.apart.all"
    return text(key, higher=higher, lower=lower, rest=rest)


def limit(value: float) -> str:
    """Return a number with as many digits as it can bear: about three."""
    return _rounded(value, 2)


def _rounded(value: float, digits: int) -> str:
    """Return a number with so many digits behind the point if it is below ten, and one less at ten and at a hundred."""
    if value == float("inf"):
        return "∞"
    if value == 0:
        return "0"
    whole = (abs(value) >= 10) + (abs(value) >= 100)
    return f"{value:,.{max(digits - whole, 0)}f}"
