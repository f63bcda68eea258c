"""The scorecard that may leave the station: one sheet without small counts, without points and without a map.

In:     a plan "scorecard" and the study, whose setting ``privacy.publish_at_least`` holds.
Out:    an .xlsx file. What is suppressed is decided in ``models.publication``; here it becomes a sign.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from models.publication import PER_HOURS, PublicCard, publish
from views.figures import DASH, records
from views.score_tables import per_of, zones_of
from views.score_words import rate_with_interval
from views.workbook import bytes_of, made_on, new_sheet, workbook

WIDTH = 16
LINE_HEIGHT = 34
RATES = ("rate", "rate_low", "rate_high")
KEPT_NOTES = ("scorecard.note.period", "scorecard.note.base_population", "scorecard.note.base_area_km2",
              "scorecard.note.feedback")  # fmt: skip


def write_public_card(card: Plan, study: Study, path: Path) -> Path:
    """Write the scorecard for the public in the running language and return its path; same plan, same bytes."""
    public = publish(card, least=study.settings.privacy.publish_at_least)
    title = text("scorecard.public.title", town=study.name)
    with workbook(path, title=title, made_on=made_on(card)) as (book, looks):
        sheet = new_sheet(book, "scorecard.sheet.print", study, internal=False)
        sheet.set_column(0, 6, WIDTH)
        sheet.set_row(0, 28)
        sheet.write(0, 0, title, looks["title"])
        row = 1
        if study.synthetic:
            sheet.write(row, 0, text("scorecard.synthetic"), looks["mark"])
            row += 1
        row = _table(sheet, looks, _zones(public, per_of(card)), row + 1)
        row = _table(sheet, looks, _pools(public), row + 1)
        for number, line in enumerate(_lines(card, public), start=row + 1):
            sheet.merge_range(number, 0, number, 6, line, looks["wrapped"])
            sheet.set_row(number, LINE_HEIGHT)
    return path


def public_xlsx(card: Plan, study: Study) -> bytes:
    """Return the scorecard for the public as a spreadsheet."""
    return bytes_of(partial(write_public_card, card, study))


def _zones(public: PublicCard, per: str) -> pd.DataFrame:
    rows = [
        {
            "zone_id": row["zone_id"],
            "population": f"{row['population']:,}",
            "road_km": f"{row['road_km']:.1f}",
            "area_km2": f"{row['area_km2']:.2f}",
            "reported_count": _count(row["reported"]),
            f"rate_{per}": _rate(row["reported"], row, RATES),
            "expected_word": text(f"scorecard.word.{row['expected_word']}"),
        }
        for row in records(public.zones)
    ]  # fmt: skip
    town = dict.fromkeys(rows[0], "") | {"zone_id": text("scorecard.town"), "reported_count": _count(public.reported)}
    return _named([*rows, town])


def _pools(public: PublicCard) -> pd.DataFrame:
    rows = [
        {
            "arrest_pool": zones_of(row["pool"]),
            "patrol_hours": DASH if pd.isna(row["patrol_hours"]) else f"{row['patrol_hours']:,.0f}",
            "arrest_count": _count(row["arrest_incidents"]),
            "arrests_per_100h": _rate(row["arrest_incidents"], row, PER_HOURS),
        }
        for row in records(public.pools)
    ]  # fmt: skip
    town = dict.fromkeys(rows[0], "") | {
        "arrest_pool": text("scorecard.town"),
        "arrest_count": _count(public.arrests),
    }
    return _named([*rows, town])


def _count(value: float | None) -> str:
    return text("scorecard.word.hidden") if value is None or pd.isna(value) else f"{value:,.0f}"


def _rate(count: float, row: Mapping[str, Any], names: Sequence[str]) -> str:
    return _count(count) if pd.isna(count) else rate_with_interval(*(row[name] for name in names))


def _named(rows: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows).rename(columns=lambda key: text(f"scorecard.column.{key}"))


def _table(sheet: Any, looks: dict[str, Any], table: pd.DataFrame, first: int) -> int:  # noqa: ANN401
    sheet.set_row(first, LINE_HEIGHT)
    for column, name in enumerate(table.columns):
        sheet.write_string(first, column, str(name), looks["head"])
    for row, values in enumerate(table.itertuples(index=False), start=first + 1):
        look = looks["total"] if row == first + len(table) else looks["cell"]
        for column, value in enumerate(values):
            sheet.write_string(row, column, str(value), look)
    return first + 1 + len(table)


def _lines(card: Plan, public: PublicCard) -> Iterator[str]:
    yield text("scorecard.public.hidden", least=public.least)
    yield from (text(key, **values) for key, values in card.notes if key in KEPT_NOTES)
    yield text("scorecard.reading.intervals", level_pct=f"{100 * card.settings['scorecard']['level']:g}")
    yield from (text(f"scorecard.reading.{key}") for key in ("ranks", "arrests"))
    yield text("scorecard.public.approval")
