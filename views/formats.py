"""Numbers and days in each language's habit: 12,345 and 2024-03-05 / 2024年3月5日."""

import math

import pandas as pd

from gis_data.catalogue import text

DASH = "—"


def number(value: float, digits: int = 0) -> str:
    """Return a number with its thousands marked, or a dash where there is none."""
    return DASH if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def measured(value: float, unit: str, digits: int = 0) -> str:
    """Return a length, an area or a time with its unit (``m``, ``km``, ``km2``, ``min``) as the language writes it."""
    return text(f"format.{unit}", value=number(value, digits))


def headed(words: str) -> str:
    """Return words as they stand at the head of a line or a row: with a capital, where there are any."""
    return words[:1].upper() + words[1:]


def day_words(day: pd.Timestamp) -> str:
    """Return a day as the running language writes it."""
    months = text("format.months").split(" ")
    return text("format.day", year=day.year, day=day.day, name=months[day.month - 1])


def moment_words(moment: pd.Timestamp) -> str:
    """Return a day and its time to the minute."""
    return text("format.moment", day=day_words(moment), time=f"{moment:%H:%M}")


def span_words(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Return the first and the last day of a period whose ``end`` is not included."""
    return f"{day_words(start)} – {day_words(end - pd.Timedelta(days=1))}"


def month_words(day: pd.Timestamp) -> str:
    """Return a month as the running language writes it."""
    return text("format.month", year=day.year, name=text("format.months").split(" ")[day.month - 1])
