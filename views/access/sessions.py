"""Open sessions and failed attempts, in the memory of the server: a restart ends all sessions.

In:     times in seconds (``clock``), names and addresses.
Out:    whose session a token is, as long as it is used and not too old; whether a name or an address is locked out.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gis_data.acting import Actor

IDLE_S = 30 * 60
LONGEST_S = 12 * 3600
"""A duty shift: whoever begins one signs in."""
TRIES, ADDRESS_TRIES, LOCKED_S = 5, 20, 15 * 60
"""Failed attempts within ``LOCKED_S`` seconds after which a name, or an address, waits that long."""
MOST = 10_000  # open sessions, and names under watch: a flood of attempts must not fill the memory


@dataclass
class _Session:
    actor: Actor
    stamp: str
    opened: float
    used: float


@dataclass
class Sessions:
    """Sessions by the hash of their token, so that the memory holds no token."""

    clock: Callable[[], float] = time.monotonic
    _open: dict[bytes, _Session] = field(default_factory=dict)

    def start(self, actor: Actor, *, stamp: str) -> str:
        """Open a session and return its token; ``stamp`` must be told again at each use."""
        self._drop_old()
        token = secrets.token_urlsafe(32)
        now = self.clock()
        self._open[_hashed(token)] = _Session(actor, stamp, now, now)
        return token

    def whose(self, token: str, *, stamp_of: Callable[[str], str], using: bool = True) -> Actor | None:
        """Return whose session this is, or None if it is unknown, too old, or the account has changed since."""
        session = self._open.get(_hashed(token))
        if session is None:
            return None
        now = self.clock()
        if not self._is_young(session, now) or stamp_of(session.actor.name) != session.stamp:
            self.end(token)
            return None
        if using:
            session.used = now
        return session.actor

    def end(self, token: str) -> Actor | None:
        """Close a session and return whose it was."""
        session = self._open.pop(_hashed(token), None)
        return session.actor if session else None

    def _is_young(self, session: _Session, now: float) -> bool:
        return now - session.used < IDLE_S and now - session.opened < LONGEST_S

    def _drop_old(self) -> None:
        now = self.clock()
        self._open = {key: session for key, session in self._open.items() if self._is_young(session, now)}
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]


@dataclass
class Attempts:
    """Failed attempts by name and by address."""

    clock: Callable[[], float] = time.monotonic
    _failed: dict[str, list[float]] = field(default_factory=dict)

    def is_locked(self, name: str, address: str) -> bool:
        """Tell whether this name, or this address, has to wait."""
        return len(self._recent(f"n{name}")) >= TRIES or len(self._recent(f"a{address}")) >= ADDRESS_TRIES

    def failed(self, name: str, address: str) -> bool:
        """Count a failed attempt and tell whether it was the one that locks."""
        before = self.is_locked(name, address)
        for key in (f"n{name}", f"a{address}"):
            times = [*self._recent(key), self.clock()]
            self._failed.pop(key, None)
            self._failed[key] = times
        while len(self._failed) > MOST:
            del self._failed[next(iter(self._failed))]
        return self.is_locked(name, address) and not before

    def succeeded(self, name: str) -> None:
        """Forget the failed attempts of a name; an address that tries many names goes on being counted."""
        self._failed.pop(f"n{name}", None)

    def _recent(self, key: str) -> list[float]:
        return [moment for moment in self._failed.get(key, ()) if self.clock() - moment < LOCKED_S]


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
