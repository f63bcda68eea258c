"""What intake finds of every error planted in the sample town: ``python -m benchmarks.proofs.intake``.

Every row of every file is held against the truth written beside it. The table goes to intake.csv beside this file: rows
planted, told and both, recall, precision, and the least that may be; a test holds it to what intake finds today.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyproj

from gis_data.errors import InputError
from gis_data.intake import headers, import_files, incidents, make_workspace, placing, sheets, visits
from gis_data.intake.surroundings import Surroundings
from gis_data.sample_town import NOT_FOR_IMPORT, SAMPLE_NAME, SAMPLE_SEED, write_sample
from gis_data.sample_town.records import ALIASES
from gis_data.workspace import Workspace

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("problem", "planted", "told", "both", "recall", "precision", "least_recall", "least_precision")
ROW = ["文件", "行号"]
MERGED = ("follow_up", "same_event", "duplicate")
HALF_DAY, DAMAGED = "2022年8月警情.xls", "2023年12月警情.xlsx"
RIGHT_M = 2.0

Raw = Mapping[str, Path]
Account = tuple[str, pd.Series, pd.Series, float, float]  # problem, planted, told, least recall, least precision


def truth_of(raw: Raw) -> pd.DataFrame:
    """Return what was planted in each row of the files of incidents."""
    words = {"接警编号": str, "关联": str, "同一事件": str}
    return pd.read_csv(raw["truth"].with_name("逐条真值.csv"), skiprows=1, dtype=words)


def around(town: Workspace) -> Surroundings:
    """Return the ground that rows are held against."""
    return Surroundings(town.study, *(town.read(name) for name in ("villages", "buildings", "roads", "places")))


def verdicts(raw: Raw, town: Workspace, truth: pd.DataFrame) -> pd.DataFrame:
    """Return what intake says of each row of each file, beside the truth: one column per reason or note."""
    known, parts = incidents.Known(around(town), frozenset(), "salt", {}), []
    for sheet, match in _sheets(raw):
        found = incidents.read(sheet, match, known, import_id="I")
        told = {key: flags.to_numpy(dtype=bool) for key, flags in found.notes.items()}
        told |= {key: (found.reasons == key).to_numpy() for key in MERGED}
        parts.append(pd.DataFrame(told).assign(文件=sheet.name, 行号=sheet.rows, into=found.details.to_numpy()))
    every = pd.concat(parts)
    flags = every.columns.drop([*ROW, "into"])
    every[flags] = every[flags].eq(True)  # a file keeps no note that is true of none of its rows
    both = truth.merge(every, on=ROW, validate="one_to_one")
    assert len(both) == len(truth)
    return both


def moved(raw: Raw, town: Workspace, truth: pd.DataFrame) -> pd.DataFrame:
    """Return what is done to the point of every row of every file, merged and withheld ones too, beside the truth."""
    known, parts = incidents.Known(around(town), frozenset(), "salt", {}), []
    # Frauds and family violence are planted in the shifted batches too, and leave no trace of their point else.
    with patch.object(placing, "has_a_place", lambda rows: pd.Series(True, index=rows.index)):
        for sheet, match in _sheets(raw):
            parts.append(incidents.read(sheet, match, known, import_id="I").corrections)
    rows = truth.merge(
        pd.concat(parts), left_on=ROW, right_on=["source_file", "source_row"], how="left", validate="1:1"
    )
    stays = rows["to_lon"].notna()
    start, end = (rows.loc[stays, names].to_numpy().T for names in (["to_lon", "to_lat"], ["真实经度", "真实纬度"]))
    rows.loc[stays, "off_m"] = pyproj.Geod(ellps="WGS84").inv(*start, *end)[2]
    return rows.assign(kind=rows["kind"].fillna(""))


def check_ins(raw: Raw, town: Workspace) -> pd.DataFrame:
    """Return what intake says of each check-in, beside the truth."""
    (sheet,) = sheets.open_sheets(raw["visits"])
    match = headers.recognise(sheet.frame.columns, has_shapes=False)
    assert match is not None
    found = visits.read(sheet, match, around(town))
    told = {key: flags.to_numpy(dtype=bool) for key, flags in found.notes.items()}
    told |= {key: (found.reasons == key).to_numpy() for key in ("duplicate", "outside")}
    truth = pd.read_csv(raw["truth"].with_name("打卡真值.csv"), skiprows=1, keep_default_na=False)
    both = truth.merge(pd.DataFrame(told).assign(行号=sheet.rows, at=sheet.frame["打卡时间"]), on="行号")
    assert len(both) == len(truth) == len(sheet.frame)
    return both


def accepted(raw: Raw, town: Workspace, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the accepted incidents beside the truth and the cells of the row they come from."""
    cells = []
    for sheet, match in _sheets(raw):
        asked = {name: sheet.frame[match.fields[name][0]].to_numpy() for name in CELLS if name in match.fields}
        cells.append(pd.DataFrame(asked).assign(文件=sheet.name, 行号=sheet.rows))
    written = pd.concat(cells).fillna("").rename(columns={name: f"{name}_cell" for name in CELLS})
    kept = pd.DataFrame(town.read("incidents").drop(columns="geometry"))
    both = kept.merge(truth, left_on=["source_file", "source_row"], right_on=ROW, validate="one_to_one")
    assert len(both) == len(kept)
    return both.merge(written, on=ROW, validate="one_to_one")


CELLS = ("occurred_from", "occurred_to", "address", "class")
CLASS_OF_CODE = {  # the county's new table (DOMAIN 2.3)
    "100000": "criminal", "200000": "public_order", "200200": "dispute", "300000": "traffic", "400000": "fire_rescue",
    "500000": "help", "600000": "social_link", "900000": "tip", "999900": "invalid",
}  # fmt: skip


def account(
    said: pd.DataFrame, points: pd.DataFrame, kept: pd.DataFrame, log: pd.DataFrame, *, refused: bool
) -> pd.DataFrame:
    """Return a row for each planted problem (``COLUMNS``).

    Parameters
    ----------
    said, points, kept, log
        As ``verdicts``, ``moved``, ``accepted`` and ``check_ins`` return them.
    refused
        Whether the file with names and telephones is refused.
    """
    rows = []
    parts = (_of_places(points), _of_calls(said), _of_times(said), _of_fields(kept), _of_log(log))
    for problem, planted, told, least_recall, least_precision in (one for part in parts for one in part):
        hit = int((planted & told).sum())
        rows.append((problem, int(planted.sum()), int(told.sum()), hit, round(hit / planted.sum(), 4),
                     round(hit / max(told.sum(), 1), 4), least_recall, least_precision))  # fmt: skip
    rows.append(("file with names and telephones refused", 1, *[int(refused)] * 4, 1.0, 1.0))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_places(rows: pd.DataFrame) -> Iterator[Account]:
    kinds = rows["kind"].str.split(";").map(set)
    for problem, column, planted, note in PLACES:
        yield problem, rows[column] == planted, kinds.map(lambda found, note=note: note in found), 0.95, 0.98
    shifted = rows["坐标系"].isin(["gcj02", "bd09"]) & rows["错误"].isna()
    yield "shifted points brought back within 2 m", shifted, shifted & (rows["off_m"] < RIGHT_M), 0.95, 0.98


PLACES = (
    ("GCJ-02 batch", "坐标系", "gcj02", "gcj02"),
    ("BD-09 batch", "坐标系", "bd09", "bd09"),
    ("longitude and latitude swapped", "错误", "swapped", "coordinates_swapped"),
    ("degrees and minutes", "错误", "degree_minutes", "coordinates_minutes"),
    ("zone prefix", "错误", "zone_prefix", "zone_prefix"),
    ("station default point", "错误", "station_default", "default_point"),
    ("village centre", "错误", "village_centre", "village_centre"),
)


def _of_calls(rows: pd.DataFrame) -> Iterator[Account]:
    told = rows[list(MERGED)].any(axis=1)
    yield "duplicates and linked calls", rows["跟进"] | rows["同一事件"].notna(), told, 0.95, 0.98
    asked = ~told & ~rows["placeless"]
    zero = asked & (rows["错误"] == "zero")
    yield "zero coordinates", zero, asked & rows["no_point"], 0.95, 0.98
    damaged = ~told & rows["文件"].eq(DAMAGED)
    yield "damaged call numbers", damaged, ~told & rows["number_damaged"], 0.95, 0.95


def _of_times(rows: pd.DataFrame) -> Iterator[Account]:
    """Judge the rows that were not merged; where several errors of time meet in a row, another may be told."""
    rows = rows[~rows[list(MERGED)].any(axis=1)]
    half = rows["文件"].eq(HALF_DAY)
    hour = pd.to_datetime(rows["报警时刻"]).dt.hour
    lost = half & ((hour >= 13) | (hour == 0) | rows["报警零点"]) & ~rows["无年份"]
    yield "report at 00:00 for unknown", *_told(rows[~half], "报警零点", "midnight_repaired", "midnight_unknown")
    yield "occurrence at 00:00 for unknown", *_told(rows[~half], "发案零点", "occurrence_hour_unknown")
    yield (
        "12-hour clock",
        *_told(rows.assign(lost=lost)[~rows["time_full_width"]], "lost", "hour_repaired", "hour_unknown"),
    )
    yield "text dates: full width", *_told(rows, "全角", "time_full_width")
    yield "text dates: 24:00", *_told(rows, "二十四点", "time_24")
    yield "text dates: without a year", *_told(rows, "无年份", "year_added")


def _told(rows: pd.DataFrame, column: str, *notes: str) -> tuple[pd.Series, pd.Series, float, float]:
    told = rows.reindex(columns=list(notes), fill_value=False).any(axis=1)  # a note true of no row is not kept
    return rows[column].astype(bool), told, 0.95, 0.95


def _of_fields(rows: pd.DataFrame) -> Iterator[Account]:
    silent = rows["occurred_from_cell"].eq("") & rows["occurred_to_cell"].eq("")
    yield "occurrence time missing", silent, rows["occurred_from"].isna(), 0.95, 0.98
    span = rows["occurred_to"] - rows["occurred_from"]
    written = ~silent & rows["occurred_to_cell"].ne("")
    kept = span.gt(pd.Timedelta(0)) & rows["occurred_to_cell"].ne("")
    yield "occurrence interval kept", written, kept, 0.95, 0.98
    usual = rows["precision"] != "none"
    yield "phone masts", usual & (rows["错误"] == "phone_mast"), usual & (rows["precision"] == "cell"), 0.95, 0.98
    placed = ~rows["type"].isin(["domestic_violence", "crisis"])
    right, found = rows["village_id"] == rows["村庄编号"], rows["village_id"] != ""
    yield "village from address, alias or name", placed, placed & right, 0.97, 0.99
    yield "village: right of those given", placed & found & right, placed & found, 0.97, 0.99
    for problem, villages in (("village alias", ("V003", "V031")), ("merged village's old name", ("V019",))):
        names = [ALIASES[village].split(";")[-1] for village in villages]
        called = placed & rows["村庄编号"].isin(villages) & rows["address_cell"].str.contains("|".join(names))
        yield problem, called, called & right, 0.97, 0.99
    meant = rows["class_cell"].astype(str).map(CLASS_OF_CODE)
    yield "new class codes understood", meant.notna(), rows["incident_class"].astype(str) == meant, 0.97, 0.99


def _of_log(rows: pd.DataFrame) -> Iterator[Account]:
    for problem, error, note in LOG:
        known = rows[~rows["duplicate"] | (error == "twice")]
        shifted = known["坐标系"].eq("gcj02") & known["错误"].ne("no_fix")
        yield problem, shifted if error == "gcj02" else known["错误"] == error, known[note], 0.95, 0.98


LOG = (
    ("check-ins filled in afterwards", "afterwards", "visits_round"),
    ("check-ins too fast to be", "impossible", "visits_too_fast"),
    ("check-ins twice", "twice", "duplicate"),
    ("check-ins without a fix", "no_fix", "visits_no_point"),
    ("check-ins of a device in GCJ-02", "gcj02", "gcj02"),
)


def is_refused(raw: Raw, town: Workspace) -> bool:
    """Tell whether the file with names and telephones is refused because of them."""
    try:
        import_files(town, [raw["refused"]], dry_run=True)
    except InputError as problem:
        return problem.key == "intake.person"
    return False


def _sheets(raw: Raw) -> Iterator[tuple[sheets.Sheet, headers.Match]]:
    for name in (name for name in raw if name.startswith("incidents_")):
        (sheet,) = sheets.open_sheets(raw[name])
        match = headers.recognise(sheet.frame.columns, has_shapes=False)
        assert match is not None
        yield sheet, match


def main() -> None:
    """Make the town, take its files in, write and print the table."""
    with TemporaryDirectory() as folder:
        raw = write_sample(Path(folder) / "raw", seed=SAMPLE_SEED)
        files = [path for name, path in raw.items() if name not in (*NOT_FOR_IMPORT, "boundary")]
        root = Path(folder) / "town"
        make_workspace(root, files, name=SAMPLE_NAME, boundary=raw["boundary"], synthetic=True)
        town, truth = Workspace.open(root), truth_of(raw)
        parts = verdicts(raw, town, truth), moved(raw, town, truth), accepted(raw, town, truth), check_ins(raw, town)
        table = account(*parts, refused=is_refused(raw, town))
    table.to_csv(TABLE, index=False, lineterminator="\n")
    print(table.to_string(index=False))
    lacking = table[(table["recall"] < table["least_recall"]) | (table["precision"] < table["least_precision"])]
    assert lacking.empty, lacking["problem"].tolist()
    assert np.isfinite(table[["recall", "precision"]]).all(axis=None)


if __name__ == "__main__":
    main()
