"""Patrol log (巡逻日志): a form for each beat, with its checkpoints and two signatures.

In:     the plan "beats".
Out:    one page a beat, to print or to edit. Nothing is filled in but what is planned; the log is about places and
        times, never about a person who was met.
"""

from typing import Any

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views.beat_tables import hours, listed
from views.figures import records
from views.sheets.content import Block, Facts, Heading, Table, TextPage, Words
from views.sheets.names import clock_hours

EMPTY_ROWS = 8
ROW_MM = 7.5
LINE = "＿" * 8


def log_pages(plan: Plan, study: Study) -> tuple[TextPage, ...]:
    """Return the form of each beat."""
    checkpoints = plan.tables["checkpoints"]
    return tuple(
        _page(study, beat, records(checkpoints[checkpoints["beat_id"] == beat["beat_id"]]))
        for beat in records(plan.to_frame())
    )


def _page(study: Study, beat: dict[str, Any], checkpoints: list[dict[str, Any]]) -> TextPage:
    blanks = ("date", "shift", "crew", "vehicle", "set_out", "back", "km", "weather")
    to_fill_in = Facts(tuple((text(f"patrol_log.{name}"), LINE) for name in blanks), columns=4)
    about = text("patrol_log.about", type=text(f"beats.type.{beat['beat_type']}"), road=f"{beat['road_km']:.1f}",
                 visits=beat["visits_per_week"], villages=listed(beat["villages"]))  # fmt: skip
    blocks: tuple[Block, ...] = (
        Words(about),
        to_fill_in,
        Heading(text("patrol_log.checkpoints")),
        _visits(checkpoints),
        Words(text("patrol_log.checkpoints_help"), quiet=True),
        Heading(text("patrol_log.seen")),
        _form(("time", "place", "seen", "done"), (1, 2, 4, 3)),
        Words(text("patrol_log.seen_help"), quiet=True),
        _signatures(),
    )
    return TextPage(text("patrol_log.title", town=study.name, beat=beat["beat_id"]), blocks, fit=True)


def _visits(checkpoints: list[dict[str, Any]]) -> Table:
    columns = ("number", "kind", "name", "hours", "least", "arrived", "left", "remark")
    rows = tuple(
        (
            row["checkpoint_id"],
            text(f"beats.kind.{row['kind']}"),
            row["name"],
            clock_hours(hours(row)),
            f"{row['min_visits_per_week']}",
            "",
            "",
            "",
        )
        for row in checkpoints
    )
    head = tuple(text(f"patrol_log.column.{name}") for name in columns)
    widths = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0)
    return Table(head, rows, widths, lined=True, row_mm=ROW_MM, empty=text("patrol_log.no_checkpoints"))


def _form(columns: tuple[str, ...], widths: tuple[float, ...]) -> Table:
    head = tuple(text(f"patrol_log.column.{name}") for name in columns)
    return Table(head, (("",) * len(columns),) * EMPTY_ROWS, widths, lined=True, row_mm=ROW_MM)


def _signatures() -> Facts:
    """Return the two signatures, each with its day."""
    rows = [
        row for who in ("patrol", "leader")
        for row in ((text(f"patrol_log.signed.{who}"), LINE), (text("patrol_log.signed_on"), LINE))
    ]  # fmt: skip
    return Facts(tuple(rows), columns=2)
