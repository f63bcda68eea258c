"""The quality report: what came in, what is wrong with it, what that does, and how it changes from import to import.

In:     the tables IMPORTS, QUALITY, COMPLETENESS and CORRECTIONS of a workspace.
Out:    a frozen ``QualityReport`` of plain tables; page, spreadsheet and printed sheet all show these numbers.

Shares are of the rows read: of a file for its own problems, of all files of a kind for the totals.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from gis_data.catalogue import text
from gis_data.intake import spans
from gis_data.intake.class_words import Word
from gis_data.intake.remarks import said

OUTCOMES = ("refused", "set_aside", "accepted")  # what asks for work comes first
FIELDS = (
    "point", "village_id", "occurred_from", "occurred_to", "arrived_at", "closed_at", "channel", "subtype",
    "place_type", "mo", "target_type",
)  # fmt: skip
MEASURES = ("set_aside_pct", "refused_pct", "point_pct", "village_pct", "occurred_pct", "moved_pct", "dropped_pct")
MEASURED = {"point_pct": "point", "village_pct": "village_id", "occurred_pct": "occurred_from"}
MOVED = ("gcj02", "bd09", "notation")
DROPPED = ("outside", "datum_unclear", "default_point", "village_centre", "unplaced")
MOST_WORDS = 8
COUNTS = ("rows_read", "accepted", "set_aside", "refused")
PROBLEM = ["table", "problem", "outcome"]


@dataclass(frozen=True)
class QualityReport:
    """The account of everything that came in.

    Attributes
    ----------
    files
        One row per file or sheet: ``import_id file table imported_at rows_read accepted set_aside refused``.
    problems
        One row per file and problem: ``import_id file table problem outcome rows share_pct examples``.
    totals
        One row per problem: ``table problem outcome rows share_pct files file examples``; the examples are from the
        file that has most of such rows.
    completeness
        One row per month and field: ``month field rows filled filled_pct``.
    trend
        One row per import of incidents, in their order: ``import_id file imported_at first_month last_month rows_read``
        and the shares named in ``MEASURES``; a share that nothing can be said of is NaN.
    moves
        One row per corrected point: ``import_id file row kind group from_lon from_lat to_lon to_lat moved_m``, where
        ``group`` is one of ``MOVED`` or ``DROPPED``.
    remarks
        File, catalogue key and values of what is to be said of a whole file.
    words
        Class words of rows that came in already, which the lists do not hold.
    """

    files: pd.DataFrame
    problems: pd.DataFrame
    totals: pd.DataFrame
    completeness: pd.DataFrame
    trend: pd.DataFrame
    moves: pd.DataFrame
    remarks: tuple[tuple[str, str, Mapping[str, Any]], ...]
    words: tuple[Word, ...] = ()

    @property
    def sums(self) -> dict[str, int]:
        """Rows read, accepted, set aside and refused over all files."""
        return {name: int(self.files[name].sum()) for name in COUNTS}

    def said(self, *, figures: bool = False) -> dict[str, list[str]]:
        """Return what is to be said of whole files by file, what came in last first; ``figures`` as in ``said``."""
        by_file: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        for file, key, values in self.remarks:
            by_file.setdefault(file, []).append((key, values))
        return {file: said(remarks, figures=figures) for file, remarks in reversed(by_file.items())}

    def unknown_words(self) -> list[str]:
        """Return a sentence on the words nobody knows, and one on those of which only the class is known."""
        lines = []
        for how in ("unknown", "guessed"):
            named = [text("quality.word", word=one.named, rows=f"{one.rows:,}") for one in self.words if one.how == how]
            if named:
                shown = text("list.mark").join(named[:MOST_WORDS])
                more = len(named) > MOST_WORDS
                words = text("intake.remark_more", parts=shown, count=len(named)) if more else shown
                lines.append(text(f"quality.words.{how}", words=words))
        return lines

    def sentences(self, *, figures: bool = False) -> list[str]:
        """Return which class words are to be named, and what is to be said of whole files, each with its file."""
        by_file = self.said(figures=figures)
        return self.unknown_words() + [
            text("page.data.remark", file=file, remark=one) for file, lines in by_file.items() for one in lines
        ]


def quality_of(read: Callable[[str], pd.DataFrame], *, words: Sequence[Word] = ()) -> QualityReport:
    """Return the report on a workspace; ``read`` gives its tables by name, ``words`` are those of ``words_in``."""
    imports, filled = _with_gaps_left(read("imports"), read), read("completeness")
    moves = corrected_points(read("corrections"))
    problems = problems_by_file(_without_filled_gaps(read("quality"), imports), imports)
    return QualityReport(
        files=imports[["import_id", "file", "table", "imported_at", *COUNTS]],
        problems=problems,
        totals=totals_by_problem(problems, imports),
        completeness=completeness_by_month(filled),
        trend=trend_of_imports(imports, filled, moves),
        moves=moves,
        remarks=remarks_of(imports),
        words=tuple(words),
    )


def _with_gaps_left(imports: pd.DataFrame, read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """Return the imports with ``told`` and ``left``: their remarks as they were told, and as they hold now."""
    told = [[(key, values) for key, values in json.loads(one or "[]")] for one in imports["remarks"]]
    left = told
    if any(key == spans.GAP for one in told for key, _ in one):
        table = read("incidents")
        reported = table["reported_at"][table["count"] == 1]
        left = [spans.gaps_left(one, reported) for one in told]
    columns = {
        name: pd.Series(one, index=imports.index, dtype=object) for name, one in (("told", told), ("left", left))
    }
    return imports.assign(**columns)


def _without_filled_gaps(quality: pd.DataFrame, imports: pd.DataFrame) -> pd.DataFrame:
    """Return the problems without the months of a file whose missing days have all come in since."""
    columns = (imports[name] for name in ("import_id", "file", "told", "left"))
    filled = {(own, file) for own, file, told, left in zip(*columns, strict=True) if spans.all_filled(told, left)}
    gone = [pair in filled for pair in zip(quality["import_id"], quality["file"], strict=True)]
    return quality[~(np.array(gone, dtype=bool) & (quality["problem"] == spans.NOTE).to_numpy())]


def problems_by_file(quality: pd.DataFrame, imports: pd.DataFrame) -> pd.DataFrame:
    """Return each file's problems with their share of the rows read in it, most frequent first within an outcome."""
    read = imports.groupby(["import_id", "file"])["rows_read"].sum()
    place = {name: number for number, name in enumerate(dict.fromkeys(imports["import_id"]))}
    of = pd.MultiIndex.from_frame(quality[["import_id", "file"]])
    table = quality.assign(share_pct=_pct(quality["rows"].to_numpy(), read.reindex(of).to_numpy()))
    order = table.assign(
        _place=table["import_id"].map(place), _outcome=table["outcome"].map(OUTCOMES.index), _rows=-table["rows"]
    )
    order = order.sort_values(["_place", "file", "_outcome", "_rows", "problem"], kind="stable")
    wanted = ["import_id", "file", "table", "problem", "outcome", "rows", "share_pct", "examples"]
    return table.loc[order.index, wanted].reset_index(drop=True)


def totals_by_problem(problems: pd.DataFrame, imports: pd.DataFrame) -> pd.DataFrame:
    """Return each problem over all files, with its share of the rows read in files of that kind."""
    read = imports.groupby("table")["rows_read"].sum()
    most = problems.sort_values("rows", ascending=False, kind="stable").drop_duplicates(PROBLEM).set_index(PROBLEM)
    table = problems.groupby(PROBLEM).agg(rows=("rows", "sum"), files=("file", "size"))
    table = table.join(most[["file", "examples"]]).reset_index()
    table = table.assign(share_pct=_pct(table["rows"].to_numpy(), read.reindex(table["table"]).to_numpy()))
    order = table.assign(_outcome=table["outcome"].map(OUTCOMES.index), _rows=-table["rows"])
    order = order.sort_values(["_outcome", "_rows", "problem", "table"], kind="stable")
    wanted = [*PROBLEM, "rows", "share_pct", "files", "file", "examples"]
    return table.loc[order.index, wanted].reset_index(drop=True)


def completeness_by_month(filled: pd.DataFrame) -> pd.DataFrame:
    """Return the share of rows that have each field filled, month by month over all imports."""
    table = filled.groupby(["month", "field"])[["rows", "filled"]].sum().reset_index()
    table = table.assign(filled_pct=_pct(table["filled"].to_numpy(), table["rows"].to_numpy()))
    rank = table["field"].map({name: number for number, name in enumerate(FIELDS)}).fillna(len(FIELDS))
    order = table.assign(_rank=rank).sort_values(["month", "_rank"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def trend_of_imports(imports: pd.DataFrame, filled: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Return one row per import of incidents, oldest first, with the shares that tell whether records get better."""
    ours = imports[imports["table"] == "incidents"]
    table = ours.groupby("import_id", sort=False).agg(
        file=("file", "first"), imported_at=("imported_at", "first"), **{name: (name, "sum") for name in COUNTS}
    )
    months = filled.groupby("import_id")["month"].agg(first_month="min", last_month="max")
    table = table.join(months).fillna({"first_month": "", "last_month": ""})
    for name in ("set_aside", "refused"):
        table[f"{name}_pct"] = _pct(table[name].to_numpy(), table["rows_read"].to_numpy())
    sums = filled.groupby(["field", "import_id"])[["rows", "filled"]].sum()
    for measure, field in MEASURED.items():
        known = sums.reindex(pd.MultiIndex.from_product([[field], table.index]))
        table[measure] = _pct(known["filled"].to_numpy(), known["rows"].to_numpy())
    for measure, groups in (("moved_pct", MOVED), ("dropped_pct", DROPPED)):
        rows = moves[moves["group"].isin(groups)].groupby("import_id").size().reindex(table.index, fill_value=0)
        table[measure] = _pct(rows.to_numpy(), table["rows_read"].to_numpy())
    table = table.reset_index().sort_values(["imported_at", "first_month"], kind="stable")
    wanted = ["import_id", "file", "imported_at", "first_month", "last_month", "rows_read", *MEASURES]
    return table[wanted].reset_index(drop=True)


def corrected_points(corrections: pd.DataFrame) -> pd.DataFrame:
    """Return corrected points with the group each belongs to, and how far it was moved."""
    start, end = (corrections[[f"{side}_lon", f"{side}_lat"]].to_numpy(float) for side in ("from", "to"))
    stays = np.isfinite(end).all(axis=1)
    groups = [_group(kind.split(";"), one) for kind, one in zip(corrections["kind"], stays, strict=True)]
    both = stays & np.isfinite(start).all(axis=1)
    moved_m = np.full(len(corrections), np.nan)
    if both.any():
        moved_m[both] = pyproj.Geod(ellps="WGS84").inv(*start[both].T, *end[both].T)[2]
    table = corrections.rename(columns={"source_file": "file", "source_row": "row"})
    table = table.assign(group=pd.Series(groups, index=table.index, dtype="str"), moved_m=moved_m)
    wanted = ["import_id", "file", "row", "kind", "group", "from_lon", "from_lat", "to_lon", "to_lat", "moved_m"]
    return table[wanted].reset_index(drop=True)


def remarks_of(imports: pd.DataFrame) -> tuple[tuple[str, str, Mapping[str, Any]], ...]:
    """Return what is to be said of whole files (column ``left``)."""
    return tuple(
        (file, *one) for file, several in zip(imports["file"], imports["left"], strict=True) for one in several
    )


def _group(kinds: list[str], stays: bool) -> str:
    known, rest = (("gcj02", "bd09"), "notation") if stays else (DROPPED, DROPPED[-1])
    return next((name for name in known if name in kinds), rest)


def _pct(part: Any, whole: Any) -> Any:  # noqa: ANN401 - arrays of numbers
    """Return per cent; NaN where there is nothing to take a share of."""
    whole = np.asarray(whole, dtype=float)
    return 100 * np.asarray(part, dtype=float) / np.where(whole > 0, whole, np.nan)
