"""Headers: what a sheet is, which column is which, and which columns must not come in at all.

In:     the column names of a sheet, as its file has them.
Out:    a ``Match``: the table it feeds and the columns for each of that table's fields; or a refusal.
Method: names are compared without brackets, spaces and letter case against ``field_aliases.csv``. What tells one
        person from another (name, telephone, identity number, plate, sex, age, home) refuses the whole file, also
        under names that the list does not hold («报警人联系电话»). Names of staff and free text are dropped.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from gis_data.errors import InputError
from gis_data.intake import lists

NEEDED: dict[str, tuple[frozenset[str], ...]] = {
    # Each table needs one field out of every group.
    "incidents": (frozenset({"reported_at"}), frozenset({"class", "type", "subtype"})),
    "villages": (frozenset({"name"}), frozenset({"population"})),
    "crews": (frozenset({"crew_id"}), frozenset({"mode"})),
    "patrol_hours": (frozenset({"month"}), frozenset({"village"}), frozenset({"hours"})),
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
_BRACKETS = re.compile(r"[(\[【<].*?[)\]】>]")


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
        Columns nobody here knows.
    """

    table: str
    fields: Mapping[str, tuple[str, ...]]
    dropped: tuple[str, ...]
    left_out: tuple[str, ...]


def refuse_persons(columns: Iterable[str], *, file: str) -> None:
    """Refuse a sheet that has a column about persons.

    Raises
    ------
    InputError
        Naming the file and the columns.
    """
    found = [column for column in columns if is_person(column)]
    if found:
        raise InputError("intake.person", file=file, columns="、".join(found))


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


def recognise(columns: Iterable[str], *, has_shapes: bool) -> Match | None:
    """Return how the columns are best understood, or None when they fit no table."""
    names = list(columns)
    found = [_match(table, names) for table in NEEDED]
    fitting = [match for match in found if _fits(match, has_shapes=has_shapes)]
    return max(fitting, key=lambda match: len(match.fields), default=None)


def is_ground(columns: Iterable[str]) -> bool:
    """Tell whether a layer carries OpenStreetMap tags."""
    return not OSM_TAGS.isdisjoint(columns)


def known_count(cells: Iterable[str]) -> int:
    """Count the cells that could be headers; the row with most of them is the header row."""
    return sum(1 for cell in cells if cell and _is_known(cell))


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


def _match(table: str, columns: list[str]) -> Match:
    aliases = _aliases(table)
    fields: dict[str, list[tuple[int, str]]] = {}
    dropped, left_out = [], []
    for column in columns:
        name = bare(column)
        if name in aliases:
            field, rank = aliases[name]
            fields.setdefault(field, []).append((rank, column))
        elif _everywhere().get(name) == "DROP" or _STAFF.search(name):
            dropped.append(column)
        else:
            left_out.append(column)
    return Match(
        table,
        {
            field: tuple(column for _, column in sorted(found, key=lambda pair: pair[0]))
            for field, found in fields.items()
        },
        tuple(dropped),
        tuple(left_out),
    )


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
