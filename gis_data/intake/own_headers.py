"""The station's own headers: which of its columns is which of our fields, kept in ``station.toml`` for next time.

In:     ``[intake.headers]``: their header = our field, for any table; ``[intake.headers.<table>]`` for one; "" leaves
        a column out.
Out:    the mapping that ``headers.recognise`` asks before its own list; and the same file with more of them, with what
        a person has said of a file's coordinates (``[intake.datum]``) or of class words (``[intake.classes]``).
"""

import json
import re
import tomllib
from collections.abc import Mapping
from glob import escape
from typing import Any

from gis_data import acting
from gis_data.errors import InputError, WorkspaceError
from gis_data.intake import headers
from gis_data.intake.codes import own_types
from gis_data.intake.datum import SYSTEMS
from gis_data.workspace import Workspace, write_atomically


def own_headers(ws: Workspace) -> headers.Own:
    """Return the headers that a station has written down.

    Raises
    ------
    InputError
        If one names a table or a field that does not exist.
    """
    written = ws.intake.get("headers", {})
    if not isinstance(written, Mapping):
        raise InputError("intake.own_header", header="headers", found=written, known="[intake.headers]")
    found = {"": {header: name for header, name in written.items() if not isinstance(name, Mapping)}}
    found |= {table: dict(names) for table, names in written.items() if isinstance(names, Mapping)}
    return {table: _checked(table, names) for table, names in found.items()}


def save_headers(ws: Workspace, table: str, mapping: Mapping[str, str]) -> Workspace:
    """Write more own headers of one table into ``station.toml``, keep the rest of it, and log it.

    Raises
    ------
    InputError
        If a field does not exist, a header is about persons, or the file is written in a way that has to be changed by
        hand.
    """
    acting.require("change")
    if table not in headers.NEEDED:
        raise InputError("intake.own_header", header=table, found=table, known=list(headers.NEEDED))
    _checked(table, mapping)
    return _kept(ws, ("headers", table), mapping)


def save_datum(ws: Workspace, file: str, system: str) -> Workspace:
    """Write into ``station.toml`` in which system a file's degrees are, keep the rest of it, and log it.

    Raises
    ------
    InputError
        If there is no such system, or the file is written in a way that has to be changed by hand.
    """
    acting.require("change")
    if system not in SYSTEMS:
        raise InputError("intake.own_datum", file=file, found=system, known=", ".join(SYSTEMS))
    return _kept(ws, ("datum",), {escape(file): system})


def save_classes(ws: Workspace, words: Mapping[str, str]) -> Workspace:
    """Write more own class words (word -> our type) into ``station.toml``, keep the rest of it, and log it.

    Raises
    ------
    InputError
        If there is no such type, or the file is written in a way that has to be changed by hand.
    """
    acting.require("change")
    own_types(words)
    return _kept(ws, ("classes",), words)


def _kept(ws: Workspace, section: tuple[str, ...], mapping: Mapping[str, str]) -> Workspace:
    """Write entries into a section of ``[intake]`` in ``station.toml``."""
    path = ws.root / "station.toml"
    try:
        before = path.read_text(encoding="utf-8")
        wanted = tomllib.loads(before)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise WorkspaceError("workspace.damaged", file=path, problem=problem) from problem
    own = wanted.setdefault("intake", {})
    for name in section:
        own = own.setdefault(name, {})
    after = _with_headers(before, ".".join(("intake", *section)), mapping)
    # A hand may have written the same thing in another of TOML's ways: then only a hand can change it.
    if not isinstance(own, dict) or _parsed(after) != (own.update(mapping) or wanted):
        raise InputError("intake.own_header_by_hand", section=".".join(("intake", *section)))
    write_atomically(path, after)
    ws.log(section[0], table=section[-1], mapping=dict(mapping))
    return Workspace.open(ws.root)


def _checked(table: str, mapping: Mapping[str, Any]) -> dict[str, str]:
    """Return the mapping by bare header, after checking that each field exists."""
    if table and table not in headers.NEEDED:
        raise InputError("intake.own_header", header=table, found=table, known=list(headers.NEEDED))
    known = headers.fields_of(table)
    for header, name in mapping.items():
        if not isinstance(name, str) or (name and name not in known):
            raise InputError("intake.own_header", header=header, found=name, known=sorted(known))
    headers.refuse_persons(mapping, file="station.toml [intake.headers]")
    return {headers.bare(header): name for header, name in mapping.items()}


def _with_headers(text: str, section: str, mapping: Mapping[str, str]) -> str:
    """Return TOML text with the entries in a section, in place of those with the same key, else at its end."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if _is_head(line, section)), None)
    if start is None:
        lines += ["", f"[{section}]"]
        start = len(lines) - 1
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    inside = [line for line in lines[start + 1 : end] if _key(line) not in mapping]
    while inside and not inside[-1].strip():
        inside.pop()
    inside += [f"{_quoted(header)} = {_quoted(name)}" for header, name in mapping.items()]
    gap = [""] if end < len(lines) else []
    return "\n".join(lines[: start + 1] + inside + gap + lines[end:]) + "\n"


def _is_head(line: str, section: str) -> bool:
    return re.fullmatch(rf"\s*\[\s*{re.escape(section)}\s*\]\s*(#.*)?", line) is not None


def _key(line: str) -> str | None:
    """Return the key of a line that is one whole entry."""
    try:
        entry = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    return next(iter(entry), None)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _quoted(text: str) -> str:
    # JSON's text is TOML's too, but for one letter.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
