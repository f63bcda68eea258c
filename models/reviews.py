"""What people decided by hand and is in force, and the day on which each decision is to be looked at again.

In:     the current plans, the list of cameras, the settings, and the audit log's entries.
Out:    a list of ``Decision``; a line in the log when somebody has looked at one and lets it stand.

A decision's day is that of its line in the log. It is looked at again when the setting ``review_after_months`` has
passed since, or on the day that its reason names («until the new road is open, 2027-03-31»). A review moves the day
on; taking the change back, a new plan without it, or another setting ends the decision.
"""

import datetime
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gis_data import acting
from gis_data.errors import InputError
from gis_data.workspace import Workspace
from models.closures import ROAD_CHANGES, closings_of
from models.plan import Plan

SAID = ("deferred_villages", "also_villages", "released_entrances")  # settings of cameras: «name=reason; name=reason»
BY_HAND = ("planned", "forbidden")  # status of cameras that hands have set
ISO_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
REVIEW = "review"
ROADS = "closed_roads"
Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Decision:
    """One decision in force.

    Attributes
    ----------
    kind
        "zones", "beats" or "cameras" for a change by hand to that plan, "closed_roads", else the setting it stands in
        (``SAID``).
    names
        What it is about: villages, segments of road, checkpoints, cameras, entrances.
    reason
        Why, as it was written.
    decided_on
        Day of its line in the log, or of the last review; None where the log has neither.
    due_on
        Day of the next review; today where ``decided_on`` is not known.
    """

    kind: str
    names: tuple[str, ...]
    reason: str
    decided_on: pd.Timestamp | None
    due_on: pd.Timestamp

    @property
    def key(self) -> str:
        """What a review names it by: the same words are the same decision."""
        return _key(self.kind, self.names, self.reason)


def decisions(
    plans: Mapping[str, Plan], cameras: pd.DataFrame, settings: Any, entries: Entries, *, today: pd.Timestamp  # noqa: ANN401 - any settings
) -> list[Decision]:  # fmt: skip
    """Return the decisions in force, the next to be looked at first.

    Parameters
    ----------
    cameras
        The list of cameras (table CAMERAS).
    settings
        The study's settings.
    entries
        The audit log, oldest first.
    today
        Local midnight of today.
    """
    found = []
    for kind, names, reason in [*_of_plans(plans), *_of_cameras(cameras), *_of_settings(settings)]:
        made = _made_on(kind, names, reason, entries, str(today.tz))
        seen = _reviewed_on(_key(kind, names, reason), entries, str(today.tz))
        last = max((day for day in (made, seen) if day is not None), default=None)
        due = _due_on(reason, made, seen, months=settings.review_after_months, today=today)
        found.append(Decision(kind, names, reason, last, due))
    return sorted(found, key=lambda one: (one.due_on, one.kind, one.names))


def let_stand(ws: Workspace, decision: Decision, *, note: str) -> None:
    """Write into the log that a decision was looked at and stands.

    Raises
    ------
    InputError
        If nobody says why.
    AccessError
        If the role may change nothing.
    """
    acting.require("change")
    if not note.strip():
        raise InputError("edit.reason")
    ws.log(REVIEW, decision=decision.key, kind=decision.kind, names=list(decision.names), reason=note.strip())


# ---- what is in force ----


def _of_plans(plans: Mapping[str, Plan]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield the changes by hand that the plans hold, those of one reason together."""
    if "zones" in plans:
        units = plans["zones"].tables["units"]
        called = dict(zip(units["unit_id"], units.get("name", units["unit_id"]), strict=True))
        done = _standing(plans["zones"].settings.get("by_hand", ()))
        yield from _by_reason("zones", [(_named(change, called), change["reason"]) for change in done])
        closed = closings_of(plans["zones"].settings)
        yield from _by_reason(ROADS, [([f"#{road}" for road in one.road_ids], one.reason) for one in closed])
    if "beats" in plans:
        wishes = plans["beats"].settings.get("by_hand", ())
        yield from _by_reason("beats", [([wish["name"]], wish["reason"]) for wish in wishes])


def _of_cameras(cameras: pd.DataFrame) -> Iterator[tuple[str, tuple[str, ...], str]]:
    if "status" in cameras:
        set_by_hand = cameras[cameras["status"].isin(BY_HAND) & (cameras["note"].fillna("") != "")]
        rows = zip(set_by_hand["camera_id"], set_by_hand["note"], strict=True)
        yield from _by_reason("cameras", [([camera], note) for camera, note in rows])


def _of_settings(settings: Any) -> Iterator[tuple[str, tuple[str, ...], str]]:  # noqa: ANN401 - the study's settings
    for name in SAID:
        for who, reason in _said(getattr(settings.cameras, name)):
            yield name, (who,), reason


def _standing(done: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the changes to zones that stand: a lock ends with unlocking, what is closed the plan keeps by itself."""
    kept: list[Mapping[str, Any]] = []
    for change in done:
        if change["kind"] == "unlock":
            free = set(change["units"])
            kept = [one for one in kept if one["kind"] != "lock" or not set(one["units"]) <= free]
        elif change["kind"] not in ROAD_CHANGES:
            kept.append(change)
    return kept


def _named(change: Mapping[str, Any], called: Mapping[str, str]) -> list[str]:
    """Return the villages that a change is about; the zone that cells were moved to."""
    return [called.get(unit, unit) for unit in change["units"]] or [change["zone_id"]]


def _by_reason(kind: str, done: Sequence[tuple[Sequence[str], str]]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for reason in dict.fromkeys(reason for _, reason in done):
        names = [name for found, why in done if why == reason for name in found]
        yield kind, tuple(dict.fromkeys(names)), reason


# ---- when ----


def _made_on(kind: str, names: tuple[str, ...], reason: str, entries: Entries, zone: str) -> pd.Timestamp | None:
    """Return the day of the last entry that put the decision in force."""
    for entry in reversed(entries):
        told = entry["parameters"]
        if kind in SAID:
            before, after = told.get("changes", {}).get(f"cameras.{kind}", ("", ""))
            made = entry["action"] == "settings" and _says(after, names[0], reason) and not _says(
                before, names[0], reason
            )  # fmt: skip
        else:
            made = entry["action"] == "override" and told.get("reason") == reason
            made = made and told.get("plan", "zones") == ("zones" if kind == ROADS else kind)
        if made:
            return _day(entry, zone)
    return None


def _reviewed_on(key: str, entries: Entries, zone: str) -> pd.Timestamp | None:
    found = (
        entry for entry in reversed(entries) if entry["action"] == REVIEW and entry["parameters"]["decision"] == key
    )
    last = next(found, None)
    return None if last is None else _day(last, zone)


def _due_on(
    reason: str, made: pd.Timestamp | None, seen: pd.Timestamp | None, *, months: int, today: pd.Timestamp
) -> pd.Timestamp:  # fmt: skip
    """Return the day that the reason names after the decision, else the end of the term; a review starts a new term."""
    if seen is not None:
        return seen + pd.DateOffset(months=months)
    named = _named_day(reason, str(today.tz))
    if named is not None and (made is None or named > made):
        return named
    return today if made is None else made + pd.DateOffset(months=months)


def _named_day(reason: str, zone: str) -> pd.Timestamp | None:
    """Return the last day that is written in a reason."""
    for written in reversed(ISO_DAY.findall(reason)):
        try:
            return pd.Timestamp(datetime.date.fromisoformat(written), tz=zone)
        except ValueError:
            continue
    return None


def _says(setting: str, name: str, reason: str) -> bool:
    return (name, reason) in _said(setting)


def _said(setting: str) -> list[tuple[str, str]]:
    """Return the names in a setting with their reasons; that each needs one is told when plans are made."""
    pairs = (part.partition("=") for part in setting.split(";") if part.strip())
    return [(who.strip(), why.strip()) for who, _, why in pairs]


def _day(entry: Mapping[str, Any], zone: str) -> pd.Timestamp:
    return pd.Timestamp(entry["when"]).tz_convert(zone).normalize()


def _key(kind: str, names: Sequence[str], reason: str) -> str:
    return hashlib.sha256("\n".join([kind, *names, reason]).encode()).hexdigest()[:12]
