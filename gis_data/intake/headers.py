"""Headers: what a sheet is, which column is which, and which columns must not come in at all.

In:     the column names of a sheet, as its file has them; the station's own headers.
Out:    a ``Match``: the table it feeds, the columns for each of that table's fields, and how each was found; or a
        refusal.
Method: names are compared without brackets, spaces and letter case: first with the station's own headers, then with
        ``field_aliases.csv``. A header of neither that holds a known one, or is one letter away from it, is a guess
        where only one field can be meant; it is always shown as a guess. What tells one person from another (name,
        telephone, identity number, plate, sex, age, home) refuses the whole file, also under names that the list does
        not hold («报警人联系电话»), and before anything is matched. Names of staff and free text are dropped.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

from gis_data.catalogue import language
from gis_data.errors import InputError
from gis_data.intake import lists

NEEDED: dict[str, tuple[frozenset[str], ...]] = {
    # Each table needs one field out of every group.
    "incidents": (frozenset({"reported_at"}), frozenset({"class", "type", "subtype"})),
    "villages": (frozenset({"name"}), frozenset({"population"})),
    "crews": (frozenset({"crew_id"}), frozenset({"mode"})),
    "patrol_hours": (frozenset({"month"}), frozenset({"village"}), frozenset({"hours"})),
    "visits": (frozenset({"crew_id"}), frozenset({"checkpoint"}), frozenset({"visited_at"})),
    "cameras": (frozenset({"camera_id"}), frozenset({"azimuth_deg", "hfov_deg", "status", "note"})),
}
OSM_TAGS = frozenset(
    {
        "highway",
        "railway",
        "waterway",
        "building",
        "landuse",
        "natural",
        "leisure",
        "water",
        "amenity",
        "place",
        "power",
    }
)
_COUNT = re.compile(r"(人数|数|数量|count)$")
_STAFF = re.compile(
    r"接警员|接警人|处警员|处警人|出警人|民警|辅警|警员|警长|值班员|值班人|填报人|填表人|录入人|审核人|officer"
)
_PERSON = re.compile(
    "姓名|电话|手机|微信|qq号|邮箱|联系方式|联系人|身份证|证件|护照|报警人|报案人|求助人|举报人|当事人|受害人|被害人|"
    "受伤人|事主|失主|户主|车主|机主|嫌疑人|违法人|作案人|被盘查|被抓获人|抓获人员|前科|籍贯|民族|宗教|性别|年龄|出生|"
    "居住地|住址|户籍地|号牌|车牌|人脸|指纹|照片|书记|村主任|治保主任|网格员|负责人|"
    "phone|mobile|telephone|e-?mail|passport|id_?card|identity|national_?id|(^|_)ssn($|_)|plate|birth|(^|_)dob($|_)|"
    "(^|_)(sex|gender|race|ethnicity|age)($|_)|(caller|victim|suspect|offender|complainant|witness|owner|person|people)s?_|"
    "^(caller|victim|suspect|offender|complainant|witness|owner)s?$|"
    "(first|last|full|family|given|middle)_?name|surname"
)  # fmt: skip
_ENDS_IN_A_PERSON = re.compile("(人|人员|员|者)$")
_BRACKETS = re.compile(r"[(\[【<].*?[)\]】>]")
DROP = "DROP"
SHORTEST_LATIN = 6  # shorter Latin names lie inside other words

How = Literal["exact", "own", "guessed"]
# A station's own headers: table ("" for any) -> bare header -> field; "" for a column that is to be left out.
Own = Mapping[str, Mapping[str, str]]
NOTHING_OWN: Own = MappingProxyType({})
ANY_HEADER = "?"  # in ``Own``: where no header is known, take the row that looks like one, for a person to map


@dataclass(frozen=True)
class Match:
    """How a sheet's columns are understood.

    Attributes
    ----------
    table
        Name of the table the sheet feeds.
    fields
        Field of the table -> the sheet's columns that may hold it, best first.
    dropped
        Columns left behind because they name staff or hold free text.
    left_out
        Columns nobody here knows, or that the station leaves out.
    how
        Column -> whether it is a known header, one of the station's own, or a guess.
    """

    table: str
    fields: Mapping[str, tuple[str, ...]]
    dropped: tuple[str, ...]
    left_out: tuple[str, ...]
    how: Mapping[str, How] = field(default_factory=dict)

    @property
    def guessed(self) -> dict[str, str]:
        """Return the columns that are guesses, and the field each is taken for."""
        columns = {column: name for name, several in self.fields.items() for column in several}
        return {column: name for column, name in columns.items() if self.how.get(column) == "guessed"}


def refuse_persons(columns: Iterable[str], *, file: str) -> None:
    """Refuse a sheet that has a column about persons.

    Raises
    ------
    InputError
        Naming the file and the columns.
    """
    found = [column for column in columns if is_person(column)]
    if found:
        raise InputError("intake.person", file=file, columns=found)


def is_person(column: str) -> bool:
    """Tell whether a column's name says that it is about persons (other than by their number)."""
    name = bare(column)
    if any(name in _aliases(table) for table in NEEDED):
        return False
    handling = _everywhere().get(name)
    if handling is not None:
        return handling == "REFUSE"
    underscored = re.sub(r"[\s\-]+", "_", lists.plain(column))
    return not _STAFF.search(name) and not _COUNT.search(name) and bool(_PERSON.search(underscored))


def may_tell_of_persons(column: str) -> bool:
    """Tell whether a column that no table knows may hold names or free text: its cells are better not shown."""
    name = bare(column)
    ends = not _COUNT.search(name) and bool(_ENDS_IN_A_PERSON.search(name))
    return ends or bool(_STAFF.search(name)) or any(_guess(table, column) == DROP for table in NEEDED)


def recognise(columns: Iterable[str], *, has_shapes: bool, own: Own = NOTHING_OWN) -> Match | None:
    """Return how the columns are best understood, or None when they fit no table.

    Guesses never make a table of their own: they fill fields that no known header fills, and at least one of the
    fields that the table needs must be known.
    """
    names = list(columns)
    found = [_match(table, names, own) for table in NEEDED]
    known = [match for match in found if _fits(match, has_shapes=has_shapes)]
    if known:
        return _with_guesses(max(known, key=lambda match: len(match.fields)), own)
    started = [match for match in found if any(group & set(match.fields) for group in NEEDED[match.table])]
    guessed = [_with_guesses(match, own) for match in started]
    fitting = [match for match in guessed if _fits(match, has_shapes=has_shapes)]
    return max(fitting, key=lambda match: len(match.fields) - len(match.guessed), default=None)


def understood_as(columns: Iterable[str], table: str, *, own: Own = NOTHING_OWN) -> Match:
    """Return how the columns are understood where a person has said which table it is, whether or not they suffice."""
    return _with_guesses(_match(table, list(columns), own), own)


def called(table: str, name: str) -> str:
    """Return what a field is called in the reader's language: its first header in the list."""
    column = "zh_headers" if language() == "zh" else "en_headers"
    rows = (row for row in lists.rows("field_aliases.csv") if row["table"] == table and row["canonical"] == name)
    return next((row[column].split(";")[0] for row in rows if row[column]), name)


def is_ground(columns: Iterable[str]) -> bool:
    """Tell whether a layer carries OpenStreetMap tags."""
    return not OSM_TAGS.isdisjoint(columns)


def known_count(cells: Iterable[str], *, own: frozenset[str] = frozenset()) -> int:
    """Count the cells that could be headers; the row with most of them is the header row."""
    return sum(1 for cell in cells if cell and (bare(cell) in own or _is_known(cell)))


def names_of(own: Own) -> frozenset[str]:
    """Return the station's own headers, of all tables."""
    return frozenset(name for headers in own.values() for name in headers)


def fields_of(table: str) -> frozenset[str]:
    """Return the fields that a table takes; of all tables for ""."""
    names = [table] if table else list(NEEDED)
    return frozenset(found for name in names for found, _ in _aliases(name).values())


@cache
def bare(column: str) -> str:
    """Return a header without brackets, blanks, punctuation and letter case."""
    text = _BRACKETS.sub("", unicodedata.normalize("NFKC", column))
    return re.sub(r"[\s_\-:：.、*#]+", "", text).casefold()


def _is_known(cell: str) -> bool:
    name = bare(cell)
    return bool(name) and (name in _everywhere() or any(name in _aliases(table) for table in NEEDED) or is_person(cell))


def _fits(match: Match, *, has_shapes: bool) -> bool:
    if match.table == "cameras" and not (has_shapes or {"lon", "lat"} <= set(match.fields)):
        return False
    return all(group & set(match.fields) for group in NEEDED[match.table])


def _match(table: str, columns: list[str], own: Own) -> Match:
    aliases = _aliases(table)
    chosen = {**own.get("", {}), **own.get(table, {})}
    fields: dict[str, list[tuple[int, str]]] = {}
    how: dict[str, How] = {}
    dropped, left_out = [], []
    for column in columns:
        name = bare(column)
        if name in chosen and (chosen[name] in fields_of(table) or not chosen[name]):
            if chosen[name]:
                fields.setdefault(chosen[name], []).append((-1, column))
                how[column] = "own"
            else:
                left_out.append(column)
        elif name in aliases:
            known, rank = aliases[name]
            fields.setdefault(known, []).append((rank, column))
            how[column] = "exact"
        elif _everywhere().get(name) == DROP or _STAFF.search(name):
            dropped.append(column)
        else:
            left_out.append(column)
    ranked = {
        name: tuple(column for _, column in sorted(found, key=lambda pair: pair[0])) for name, found in fields.items()
    }
    return Match(table, ranked, tuple(dropped), tuple(left_out), how)


def _with_guesses(match: Match, own: Own) -> Match:
    """Return the match with the columns left out that can mean one field only, where that field is still free."""
    guesses = {column: _guess(match.table, column) for column in match.left_out if not _is_left_out(column, own)}
    taken = list(guesses.values())
    free = {
        column: name
        for column, name in guesses.items()
        if name not in ("", DROP) and name not in match.fields and taken.count(name) == 1
    }
    free_text = [column for column, name in guesses.items() if name == DROP]
    return replace(
        match,
        fields={**match.fields, **{name: (column,) for column, name in free.items()}},
        dropped=(*match.dropped, *free_text),
        left_out=tuple(column for column in match.left_out if column not in free and column not in free_text),
        how={**match.how, **dict.fromkeys(free, "guessed")},
    )


def _is_left_out(column: str, own: Own) -> bool:
    return any(headers.get(bare(column)) == "" for headers in own.values())


def _guess(table: str, column: str) -> str:
    """Return the one field that a header can mean, DROP if it may be free text or a name, "" if nobody can tell."""
    if is_person(column):
        return ""
    name = bare(column)
    known = {alias: found for alias, (found, _) in _aliases(table).items()}
    known |= {alias: handling for alias, handling in _everywhere().items() if handling == DROP and alias not in known}
    near = [alias for alias in known if _is_near(alias, name)]
    # «所在村庄» holds «村庄»: only the longest of such names counts.
    longest = [alias for alias in near if not any(alias != other and alias in other for other in near)]
    meant = {known[alias] for alias in longest}
    if DROP in meant:
        return DROP
    return meant.pop() if len(meant) == 1 else ""


def _is_near(alias: str, name: str) -> bool:
    """Tell whether a header holds an alias, or is one letter away from it.

    A Chinese noun ends in what it is and begins with whose it is: two letters count at the end only («事件地点»), and
    the first letter may not be the one that differs (到场时间 and 离场时间 are two things).
    """
    if alias.isascii():
        return len(alias) >= SHORTEST_LATIN and (alias in name or _one_edit_apart(alias, name))
    if len(alias) == 2:
        return name.endswith(alias)
    return len(alias) >= 3 and (
        alias in name or (len(alias) >= 4 and alias[0] == name[:1] and _one_edit_apart(alias, name))
    )


def _one_edit_apart(left: str, right: str) -> bool:
    """Tell whether one letter put in, taken out or changed makes one word the other."""
    short, long = sorted((left, right), key=len)
    if len(long) - len(short) > 1:
        return False
    same = 0
    while same < len(short) and short[same] == long[same]:
        same += 1
    rest = short[same + 1 :] if len(short) == len(long) else short[same:]
    return rest == long[same + 1 :]


@cache
def _aliases(table: str) -> dict[str, tuple[str, int]]:
    """Return header -> (field, rank among the field's names) of one table."""
    found: dict[str, tuple[str, int]] = {}
    for row in lists.rows("field_aliases.csv"):
        if row["table"] == table and row["handling"] == "KEEP":
            for rank, name in enumerate(_names(row)):
                found.setdefault(bare(name), (row["canonical"], rank))
    return found


@cache
def _everywhere() -> dict[str, str]:
    """Return header -> REFUSE or DROP, for the names that no table keeps."""
    found: dict[str, str] = {}
    for row in lists.rows("field_aliases.csv"):
        if row["handling"] != "KEEP":
            found |= dict.fromkeys(map(bare, _names(row)), row["handling"])
    return found


def _names(row: Mapping[str, str]) -> list[str]:
    columns = ("canonical", "zh_headers", "system_columns", "en_headers")
    return [name for column in columns for name in row[column].split(";") if name]
