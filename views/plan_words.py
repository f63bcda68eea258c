"""Runs of plans in words: the list of runs, their checks and steps, two beside each other, and the audit log.

In:     finished results of ``models.approval`` and ``models.two_plans``, entries of the audit log.
Out:    small frames and sentences in the running language. Nothing is computed here but rounding.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from gis_data.acting import ONLOOKER
from gis_data.catalogue import sentences, text
from gis_data.intake.headers import called
from models.approval import Check, Run
from models.reviews import Decision
from views.figures import records
from views.formats import DASH, moment_words, number

DIGITS = {"busiest": 2, "quietest": 2, "travel": 1, "gap": 2, "beat_spread": 2, "covered": 1}
MOST_LETTERS = 160
LONG = 6  # digits, beyond which a number of the log was computed and not typed
ACCOUNT = ("file", "table", "read", "accepted", "aside", "refused")  # what an import notes of each file


def run_label(run: Run, timezone: str) -> str:
    """Return when a run was made, its state, and whether it is shown or in force."""
    marks = [text("page.plans.shown")] if run.current else []
    marks += [text("page.plans.in_force")] if run.in_force else []
    made = moment_words(run.made_at.tz_convert(timezone))
    return " · ".join([made, text(f"approval.state.{run.state}"), *marks])


def step_line(state: str, role: str, at: str, note: str, timezone: str) -> str:
    """Return one step of a run: when, to which state, in which role, why."""
    when = moment_words(pd.Timestamp(at).tz_convert(timezone))
    line = text("page.plans.step", when=when, state=text(f"approval.state.{state}"), role=text(f"approval.role.{role}"))
    return f"{line} {text('page.plans.because', note=note)}" if note else line


def check_line(check: Check) -> str:
    """Return a check in a sentence that begins with a tick or a cross."""
    said: dict[str, Any] = {name: _said(value) for name, value in check.told.items()}
    key = "holds" if check.holds else "fails"
    return f"{'✓' if check.holds else '✗'} {text(f'approval.check.{check.key}.{key}', **said)}"


def _said(value: Any) -> str:  # noqa: ANN401 - names, a number, words
    if isinstance(value, list):
        return text("list.mark").join(_name(str(one)) for one in value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _name(key: str, sections: Sequence[str] = ("page.plan", "page.table")) -> str:
    known = sentences("zh")
    found = next((where for where in sections if f"{where}.{key}" in known), None)
    return text(f"{found}.{key}") if found else key


def figures_table(figures: pd.DataFrame) -> pd.DataFrame:
    """Return two runs' figures side by side, the difference, and which one is better."""
    names = {name: text(f"page.plans.column.{name}") for name in ("plan", "figure", "first", "second", "better")}
    rows = [
        {
            names["plan"]: text(f"page.plan.{row['plan']}"),
            names["figure"]: text(f"page.plans.figure.{row['figure']}"),
            names["first"]: _value(row["first"], row["figure"]),
            names["second"]: _value(row["second"], row["figure"]),
            names["better"]: _better(row),
        }
        for row in records(figures)
    ]
    return pd.DataFrame(rows)


def _value(value: float | None, figure: str) -> str:
    return DASH if value is None or pd.isna(value) else number(value, DIGITS.get(figure, 0))


def _better(row: Mapping[str, Any]) -> str:
    first, second = row["first"], row["second"]
    if not row["better"] or first is None or second is None or pd.isna(first) or pd.isna(second):
        return DASH
    same = _value(first, row["figure"]) == _value(second, row["figure"])
    if same:
        return text("page.plans.same")
    return text("page.plans.first" if (first < second) == (row["better"] == "lower") else "page.plans.second")


def moved_table(moved: pd.DataFrame) -> pd.DataFrame:
    """Return what changes its zone."""
    names = {name: text(f"page.plans.{name}") for name in ("village", "zone_from", "zone_to", "work")}
    return pd.DataFrame(
        [
            {
                names["village"]: row["name"], names["zone_from"]: row["zone_id"], names["zone_to"]: zone_to(row),
                names["work"]: text("map.tip.hours_a_week", hours=f"{row['work_min'] / 60:.1f}"),
            }
            for row in records(moved)
        ]
    )  # fmt: skip


def zone_to(moved: Mapping[str, Any]) -> str:
    """Name the zone that a unit comes to; where zones are numbered anew, with the old zone that it continues."""
    if moved["new_zone_id"] == moved["continues"]:
        return str(moved["new_zone_id"])
    key = "page.plans.zone_continues" if moved["continues"] else "page.plans.zone_new"
    return text(key, zone=moved["new_zone_id"], old=moved["continues"])


def decision_table(known: Sequence[Decision]) -> pd.DataFrame:
    """Return the decisions by hand in force, the next to be looked at first."""
    names = {name: text(f"page.plans.decisions.{name}") for name in ("kind", "names", "reason", "decided", "due")}
    rows = [
        (
            text(f"page.plans.decision.{one.kind}"), text("list.mark").join(one.names), one.reason,
            text("page.plans.undated") if one.decided_on is None else f"{one.decided_on:%Y-%m-%d}",
            f"{one.due_on:%Y-%m-%d}",
        )
        for one in known
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(names.values()))


def decision_words(one: Decision) -> str:
    """Return a decision in a line."""
    kind = text(f"page.plans.decision.{one.kind}")
    return text("page.plans.decision_words", kind=kind, names=list(one.names), reason=one.reason)


def log_table(entries: Sequence[Mapping[str, Any]], timezone: str) -> pd.DataFrame:
    """Return the audit log, newest first."""
    names = {name: text(f"page.plans.log.{name}") for name in ("when", "who", "action", "details")}
    return pd.DataFrame(
        [
            {
                names["when"]: f"{pd.Timestamp(entry['when']).tz_convert(timezone):%Y-%m-%d %H:%M:%S}",
                names["who"]: _who(entry["who"], entry["role"]),
                names["action"]: action_name(entry["action"]),
                names["details"]: details(entry["parameters"]),
            }
            for entry in reversed(entries)
        ]
    )


def _who(name: str, role: str) -> str:
    """Return an account with the part it played; a dash for one who had not signed in."""
    if name == ONLOOKER.name:
        return DASH
    return text("access.row", name=name, role=text(f"approval.role.{role}"))


def action_name(action: str) -> str:
    """Return what an action of the log is called."""
    key = f"page.plans.action.{action}"
    return text(key) if key in sentences("zh") else action


def details(parameters: Mapping[str, Any]) -> str:
    """Return what an entry says beside its action, in the running language where words are known, cut where long."""
    why = {"reason": parameters["reason"]} if "reason" in parameters else {}  # first, so that it is never cut
    words = _pairs(
        {key: value for key, value in (why | _told(parameters)).items() if key != "token" and value is not None},
        text("list.break"),
    )
    return words if len(words) <= MOST_LETTERS else f"{words[:MOST_LETTERS]}…"


def _told(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the fields that headers stand for, and settings before and after, as they are read."""
    told, headers, changes = dict(parameters), parameters.get("mapping"), parameters.get("changes")
    if isinstance(headers, Mapping):
        told["mapping"] = {
            header: called(str(parameters.get("table", "")), str(name)) for header, name in headers.items()
        }
    if isinstance(changes, Mapping):
        told["changes"] = {
            name: text("page.plans.before_after", before=_plain(was[0]), after=_plain(was[1])) if _is_pair(was) else was
            for name, was in changes.items()
        }
    return told


def _is_pair(value: Any) -> bool:  # noqa: ANN401 - anything the log holds
    return isinstance(value, list) and len(value) == 2


def _pairs(values: Mapping[str, Any], between: str) -> str:
    said = {key: value for key, value in values.items() if value not in ("", [], {})}
    return between.join(
        text("list.pair", name=_name(key, ("page.plans.detail", "page.settings.field")), value=_plain(value))
        for key, value in said.items()
    )


def _plain(value: Any) -> str:  # noqa: ANN401 - anything the log holds
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float) and len(str(value)) > LONG:
        return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"
    if isinstance(value, Mapping):
        return _change(value) or text("list.aside", words=_pairs(value, text("list.next")))
    if isinstance(value, list):
        return text("list.mark").join(_row(one) if isinstance(one, list) else _plain(one) for one in value)
    return DASH if value is None else _name(str(value))


def _change(change: Mapping[str, Any]) -> str:
    """Return a change by hand as the editing page says it ("" for any other mapping)."""
    kind, told = str(change.get("kind", "")), dict(change)
    if "camera_id" in change:
        key, said = f"edit_map.camera_edit.{kind}", {"camera": told["camera_id"]}
    elif "wish_id" in change:
        unnamed = "_unnamed" if kind == "add" and not told["name"] else ""
        key = f"edit_map.checkpoint_edit.{kind}{unnamed}"
        said = {"name": told["name"], "visits": told["visits"], "wish": told["wish_id"]}
    else:
        key = f"edit_map.edit.{kind}"
        roads = [f"#{road}" for road in told.get("road_ids", [])]
        said = {"names": told.get("units", []), "zone": told.get("zone_id", ""), "count": len(told.get("cells", [])),
                "crossing": told.get("crossing_id", ""), "roads": roads}  # fmt: skip
    return text(key, **said) if key in sentences("zh") else ""


def _row(cells: list[Any]) -> str:
    """Return one file of an import: its name, its table, and its account of rows."""
    if len(cells) != len(ACCOUNT):
        return " ".join(_name(str(cell), ("page.table",)) for cell in cells)
    file, table, *rows = cells
    counts: dict[str, Any] = {name: number(count) for name, count in zip(ACCOUNT[2:], rows, strict=True)}
    return text("page.plans.imported", file=str(file), table=_name(str(table), ("page.table",)), **counts)


def actions_of(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the actions that occur, in the order of their first time."""
    return list(dict.fromkeys(str(entry["action"]) for entry in entries))
