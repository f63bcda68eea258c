"""The audit log: one JSON line for each action, each line carrying the hash of the line before it.

In:     who did what, when, with which parameters, from and to which content (hashes).
Out:    ``audit.jsonl``, append-only; ``verify`` names the first line that was altered, removed or torn.
Method: a hash chain over the raw bytes of the lines. It shows tampering inside the log; that lines were cut off at
        the end shows only against a copy (or a printed sheet) that names a later line.

A kill while a line is being written leaves a torn last line. It was never acknowledged; the next ``append`` closes it,
keeps it, and says so in an entry of its own, so that the chain goes on over it.
"""

import getpass
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from gis_data.acting import STATION, actor

NAME = "audit.jsonl"  # in a workspace
FIRST = "0" * 64
RECOVERED = "audit.recovered"


def append(
    path: Path,
    action: str,
    *,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    role: str = STATION.role,
) -> str:
    """Add one entry, wait until it is on the disk, and return its hash.

    Parameters
    ----------
    inputs, outputs
        Content hashes by name of what the action read and wrote.
    role
        The part the account of this machine played; a signed-in account has its own role.
    """
    who = actor()
    entry = {
        "who": who.name or _account(),
        "role": who.role if who.name else role,
        "when": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "action": action,
        "parameters": dict(parameters),
        "inputs": dict(inputs or {}),
        "outputs": dict(outputs or {}),
    }
    # Two commands must not chain on the same last line.
    with path.open("a+b") as file, locked(file):
        previous, number, torn = _tail(file)
        if torn:
            file.write(b"\n")
            note = {"line": number}
            previous = _write(
                file, entry | {"action": RECOVERED, "parameters": note, "inputs": {}, "outputs": {}}, previous
            )
        previous = _write(file, entry, previous)
        file.flush()
        os.fsync(file.fileno())
    return previous


def verify(path: Path) -> int | None:
    """Return the number (from 1) of the first line that breaks the chain, or None if the log is whole.

    A torn line counts as broken unless the entry after it says that it was recovered. A missing log is whole.
    """
    lines = _lines(path)
    if lines and not lines[-1].endswith(b"\n"):
        whole, torn = lines[:-1], True
    else:
        whole, torn = lines, False
    previous = FIRST
    for number, line in enumerate(whole, start=1):
        entry = _parse(line)
        if entry is None:
            following = _parse(whole[number]) if number < len(whole) else None
            if following is None or not _recovers(following, number):
                return number
        elif entry.get("previous") != previous:
            return number
        previous = _hash(line)
    return len(lines) if torn else None


def entries(path: Path) -> list[dict[str, Any]]:
    """Return the readable entries, oldest first."""
    return [entry for entry in map(_parse, _lines(path)) if entry is not None]


def last(path: Path) -> str:
    """Return the hash of the log's last line, which a printed sheet names; "" for a log without lines."""
    lines = _lines(path)
    return _hash(lines[-1]) if lines else ""


def _write(file: BinaryIO, entry: Mapping[str, Any], previous: str) -> str:
    text = json.dumps({**entry, "previous": previous}, ensure_ascii=False, sort_keys=True, default=str)
    line = text.encode() + b"\n"
    file.write(line)
    return _hash(line)


def _tail(file: BinaryIO) -> tuple[str, int, bool]:
    """Return the hash of the last line, its number, and whether it is torn."""
    file.seek(0)
    lines = file.read().splitlines(keepends=True)
    if not lines:
        return FIRST, 0, False
    torn = not lines[-1].endswith(b"\n")
    return _hash(lines[-1] + (b"\n" if torn else b"")), len(lines), torn


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _recovers(entry: Mapping[str, Any], number: int) -> bool:
    return entry.get("action") == RECOVERED and entry.get("parameters") == {"line": number}


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container without a user table; Windows without a login name
        return "unknown"


@contextmanager
def locked(file: BinaryIO) -> Iterator[None]:
    """Hold a file for this process; others wait. The operating system frees it when a process is killed."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
