"""In whose name something is done: a signed-in account with its role, or the account of this machine.

In:     the dashboard says who acts, once for each run of a page; a command line says nothing and acts for the station.
Out:    the audit log's "who" and "role"; a deed that the role may not do is refused here, where tables and plans are
        written, so that no page can forget it.
"""

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
_actor: ContextVar[Actor] = ContextVar("actor", default=STATION)


def actor() -> Actor:
    """Return who acts in the running context."""
    return _actor.get()


def act_as(who: Actor) -> None:
    """Say who acts from now on in the running context (each run of a page is one)."""
    _actor.set(who)


def may(deed: Deed) -> bool:
    """Tell whether the one who acts may do this."""
    return deed in _MAY[actor().role]


def require(deed: Deed) -> None:
    """Refuse a deed that the one who acts may not do.

    Raises
    ------
    AccessError
        If the role does not allow it.
    """
    if not may(deed):
        raise AccessError(f"access.{deed}")
