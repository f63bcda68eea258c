"""In whose name something is done: a signed-in account with its role, or the account of this machine.

In:     the dashboard says who acts, once for each run of a page; a command line says nothing and acts for the station.
Out:    the audit log's "who" and "role"; a deed that the role may not do is refused here, where tables and plans are
        written, so that no page can forget it.

Under a sign-in whatever runs without having been told who acts may only look: what a page starts and forgets to tell
must not become the station's own doing.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from gis_data.errors import AccessError

Role = Literal["viewer", "planner", "approver", "station"]
Deed = Literal["points", "change", "approve"]
"""To see incidents at their exact points; to change records, plans or settings; to approve a plan."""

SIGNED_IN: tuple[Role, ...] = get_args(Role)[:-1]
_MAY: dict[Role, frozenset[Deed]] = {
    "viewer": frozenset(),
    "planner": frozenset({"points", "change"}),
    "approver": frozenset({"points", "change", "approve"}),
    "station": frozenset({"points", "change", "approve"}),
}


@dataclass(frozen=True)
class Actor:
    """Who acts: a signed-in account's name, or "" for the account of this machine."""

    name: str = ""
    role: Role = "station"


STATION = Actor()
ONLOOKER = Actor("–", "viewer")
GUARDED = "XUNQU_GUARDED"  # set in a server that asks people to sign in
FOR = "XUNQU_ACTS_FOR"  # in whose name a command runs that a page has started: "role name"
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def actor() -> Actor:
    """Return who acts in the running context."""
    return _actor.get() or (ONLOOKER if os.environ.get(GUARDED) else STATION)


def act_as(who: Actor) -> None:
    """Say who acts from now on in the running context (each run of a page is one)."""
    _actor.set(who)


def told_to_a_command(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a command acts in the name of the one who acts here."""
    kept = {name: value for name, value in environment.items() if name not in (GUARDED, FOR)}
    who = actor()
    return kept | ({FOR: f"{who.role} {who.name}"} if who.name else {})


def act_as_told() -> None:
    """Act in the name that a page has told this command; for the station if none has."""
    role, _, name = os.environ.get(FOR, "").partition(" ")
    known = next((one for one in SIGNED_IN if one == role), None)
    if known is not None:
        act_as(Actor(name, known))


def may(deed: Deed, who: Actor | None = None) -> bool:
    """Tell whether somebody may do this; the one who acts if nobody is named."""
    return deed in _MAY[(who or actor()).role]


def require(deed: Deed) -> None:
    """Refuse a deed that the one who acts may not do.

    Raises
    ------
    AccessError
        If the role does not allow it.
    """
    if not may(deed):
        raise AccessError(f"access.{deed}")
