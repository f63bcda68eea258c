"""Months with missing days and days around Spring Festival are told with their rows, and compared as they may be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gis_data.days import spring_festival
from gis_data.intake import import_files, undo_import
from gis_data.intake.drift import find_drift
from gis_data.intake.spans import Spans, find_spans
from gis_data.workspace import Workspace
from views.quality import quality_of

SHANGHAI = "Asia/Shanghai"
NONE = pd.Series([], dtype=f"datetime64[us, {SHANGHAI}]")
# Published dates of Spring Festival, not ours: the Hong Kong Observatory's conversion tables.
FESTIVALS = {2009: "2009-01-26", 2010: "2010-02-14", 2022: "2022-02-01", 2023: "2023-01-22", 2024: "2024-02-10"}


def reports(first: str, last: str, *, per_day: int = 6, without: tuple[str, str] | None = None) -> pd.Series:
    days = pd.date_range(first, last, tz=SHANGHAI)
    if without:
        days = days[(days < pd.Timestamp(without[0], tz=SHANGHAI)) | (days > pd.Timestamp(without[1], tz=SHANGHAI))]
    minutes = np.random.default_rng(3).integers(0, 1440, len(days) * per_day)
    return pd.Series(days.repeat(per_day) + pd.to_timedelta(minutes, unit="min")).dt.as_unit("us")


def find(at: pd.Series, before: pd.Series = NONE, *, single: bool = True, timezone: str = SHANGHAI) -> Spans:
    return find_spans(at, before, single=pd.Series(single, index=at.index), timezone=timezone)


def gaps(found: Spans) -> list[tuple[str, str, str, int]]:
    return [tuple(about[name] for name in ("month", "first", "last", "days"))
            for key, about in found.remarks if key == "intake.remark.month_partial"]  # fmt: skip


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (reports("2023-05-01", "2023-06-30"), []),
        (reports("2023-05-01", "2023-06-15"), [("2023-06", "2023-06-16", "2023-06-30", 15)]),
        (reports("2023-05-12", "2023-06-30"), [("2023-05", "2023-05-01", "2023-05-11", 11)]),
        (reports("2023-05-01", "2023-06-30", without=("2023-06-08", "2023-06-12")),
         [("2023-06", "2023-06-08", "2023-06-12", 5)]),
    ],
    ids=["whole", "running", "begun late", "torn"],
)  # fmt: skip
def test_a_month_with_missing_days_is_told_and_its_rows_are_counted(
    at: pd.Series, told: list[tuple[str, str, str, int]]
):
    found = find(at)
    assert gaps(found) == told
    months = {month for month, *_ in told}
    assert found.notes["month_partial"].tolist() == at.dt.strftime("%Y-%m").isin(months).tolist()


def test_days_that_chance_leaves_empty_are_no_gap():
    at = reports("2023-05-01", "2023-06-30", per_day=1).sample(20, random_state=1).sort_values()
    assert at.dt.day.diff().max() > 5
    assert not gaps(find(at))


def test_earlier_imports_fill_the_days_of_a_month():
    first, second = reports("2023-06-01", "2023-06-15"), reports("2023-06-16", "2023-06-30")
    assert gaps(find(second)) == [("2023-06", "2023-06-01", "2023-06-15", 15)]
    assert not gaps(find(second, first))


def test_totals_on_the_first_of_a_month_are_no_gap():
    at = pd.Series(pd.to_datetime(["2023-06-01"] * 40 + ["2023-07-01"] * 40)).dt.tz_localize(SHANGHAI)
    assert not gaps(find(at))
    assert not gaps(find(reports("2023-06-01", "2023-06-15"), single=False))


def test_a_gap_is_told_as_often_as_its_bound_says_at_most():
    """Property: of three hundred months of chance none is told."""
    rng = np.random.default_rng(5)
    month = pd.Timestamp("2023-06-01", tz=SHANGHAI)
    told = 0
    for _ in range(300):
        rows = int(rng.integers(2, 400))
        at = pd.Series(month + pd.to_timedelta(np.sort(rng.integers(0, 30 * 1440, rows)), unit="min")).dt.as_unit("us")
        told += len(gaps(find(at)))
    assert told == 0


def test_rows_around_a_festival_are_those_within_its_days():
    at, earlier = reports("2022-12-01", "2024-04-30", per_day=1), reports("2022-01-30", "2022-02-02", per_day=1)
    found = find(at, earlier)
    day = at.dt.tz_localize(None).dt.normalize()
    near = pd.Series(False, index=at.index)
    for year in (2023, 2024):
        away = (day - pd.Timestamp(FESTIVALS[year])).dt.days
        near |= away.between(-15, 24)
    assert found.notes["festival_days"].tolist() == near.tolist()
    about = [values for key, values in found.remarks if key == "intake.remark.festival_days"]
    assert [(one["year"], one["day"], one["before"], one["rows"]) for one in about] == [
        (2023, FESTIVALS[2023], FESTIVALS[2022], 40), (2024, FESTIVALS[2024], FESTIVALS[2023], 40),
    ]  # fmt: skip
    assert all(str(spring_festival(year)) == day for year, day in FESTIVALS.items())


def test_a_festival_is_told_only_with_the_one_before():
    assert not find(reports("2023-01-01", "2023-04-30")).notes["festival_days"].any()
    assert (
        not find(reports("2023-03-01", "2023-12-31"), reports("2022-01-01", "2022-12-31")).notes["festival_days"].any()
    )


def test_no_festival_is_told_where_none_is_kept():
    at = reports("2022-01-01", "2023-02-28", per_day=1).dt.tz_convert("America/Chicago")
    found = find(at, timezone="America/Chicago")
    assert not found.notes["festival_days"].any()
    assert all(key != "intake.remark.festival_days" for key, _ in found.remarks)


def fires_around(festivals: list[str], *, share: float) -> pd.DataFrame:
    """Return two years of calls in which fires fill the ten days from each festival on, and are rare otherwise."""
    rng = np.random.default_rng(2)
    at = reports("2022-01-01", "2023-12-31", per_day=8)
    fire = rng.random(len(at)) < 0.02
    for festival in festivals:
        away = (at - pd.Timestamp(festival, tz=SHANGHAI)).dt.days
        fire |= away.between(0, 9).to_numpy() & (rng.random(len(at)) < share)
    kind = np.where(fire, "fire", "assault")
    words = np.where(fire, "fire_rescue", "public_order")
    return pd.DataFrame({"reported_at": at, "incident_class": words, "type": kind, "word": kind, "count": 1})


def test_what_the_festival_brings_in_another_month_is_a_season_and_no_drift():
    rows = fires_around([FESTIVALS[2022], FESTIVALS[2023]], share=0.8)  # in February, then in January

    def told(*, by_festival: bool) -> set[tuple[str, str]]:
        found = find_drift(rows, rows.iloc[:0], by_festival=by_festival).told
        return set(found.loc[found["kind"] == "fire", ["note", "month"]].itertuples(index=False, name=None))

    assert ("share_jump", "2023-01") in told(by_festival=False)
    assert ("share_jump", "2023-01") not in told(by_festival=True)


def test_a_running_month_is_held_against_equally_many_days_of_the_year_before():
    """Fires fill the first five days of each June: those of the whole one are too few to have been like that."""
    rng = np.random.default_rng(4)
    at = reports("2022-01-01", "2023-06-05", per_day=8)
    early = (at.dt.month == 6) & (at.dt.day <= 5)
    fire = np.where(early, rng.random(len(at)) < 0.30, rng.random(len(at)) < 0.03)
    kind = np.where(fire, "fire", "assault")
    rows = pd.DataFrame({"reported_at": at, "incident_class": kind, "type": kind, "word": kind, "count": 1})
    found = find_drift(rows, rows.iloc[:0], by_festival=True).told
    assert "2023-06" not in set(found.loc[found["kind"] == "fire", "month"])


def test_the_report_counts_both_with_examples_and_keeps_every_row(ws: Workspace, tmp_path: Path):
    at = pd.concat([reports("2023-01-20", "2023-01-31", per_day=4), reports("2024-02-01", "2024-03-11", per_day=4)])
    file = tmp_path / "警情.csv"
    pd.DataFrame(
        {"接警单编号": [f"3702830120240305{number:04d}" for number in range(len(at))],
         "报警时间": at.dt.strftime("%Y-%m-%d %H:%M"), "警情类别": "刑事警情", "警情类型": "盗窃", "报警方式": "110",
         "经度": [f"{119.802 + number % 25 * 3e-3:.6f}" for number in range(len(at))], "纬度": "36.612345"}
    ).to_csv(file, index=False, encoding="utf-8-sig")  # fmt: skip
    report = import_files(ws, [file]).files[0]
    torn = int(((at.dt.year == 2023) | (at.dt.month == 3)).sum())
    near = int(
        ((at.dt.year == 2024) & (at < pd.Timestamp("2024-03-06", tz=SHANGHAI))).sum()
    )  # 25 days after 10 February
    assert report.accepted == len(at)
    assert (report.problems["month_partial"], report.problems["festival_days"]) == (torn, near)
    assert report.examples["month_partial"] == (2, 3, 4)
    said = " ".join(report.sentences())
    assert "2024-03-12 至 2024-03-31 共 20 天" in said
    assert "2024 年春节在 2024-02-10" in said
    kept = ws.read("quality").set_index("problem")["rows"]
    assert (kept["month_partial"], kept["festival_days"]) == (torn, near)


def test_a_year_that_nobody_has_a_calendar_for_is_no_festival():
    spans = [("2023-01-01", "2023-01-31"), ("2098-12-01", "2099-03-01"), ("2105-01-01", "2105-03-01")]
    at = pd.concat([reports(*span) for span in spans], ignore_index=True)
    assert not find(at, reports("2104-01-01", "2104-03-01")).notes["festival_days"].any()
    rows = pd.DataFrame(
        {"reported_at": at, "incident_class": "fire_rescue", "type": "fire", "word": "fire", "count": 1}
    )
    assert not find_drift(rows, rows.iloc[:0], by_festival=True).notes["share_jump"].any()


def monthly(folder: Path, name: str, at: pd.Series) -> Path:
    numbers = at.dt.strftime("3702830%Y%m%d") + [f"{number % 10_000:05d}" for number in range(len(at))]
    rows = pd.DataFrame({"接警单编号": numbers, "报警时间": at.dt.strftime("%Y-%m-%d %H:%M"),
                         "警情类别": "刑事警情", "警情类型": "盗窃", "报警方式": "110"})  # fmt: skip
    rows.to_csv(folder / name, index=False, encoding="utf-8-sig")
    return folder / name


def gaps_on_page(ws: Workspace) -> tuple[str, set[str]]:
    report = quality_of(ws.read)
    return " ".join(report.sentences()), set(report.problems["problem"])


def test_days_that_a_later_file_brings_are_no_longer_told_as_missing(ws: Workspace, tmp_path: Path):
    first = monthly(tmp_path, "上.csv", reports("2024-03-01", "2024-04-20", per_day=8))
    then = monthly(tmp_path, "下.csv", reports("2024-04-21", "2024-04-27", per_day=8))
    last = monthly(tmp_path, "末.csv", reports("2024-04-28", "2024-04-30", per_day=8))
    alone = import_files(ws, [first]).files[0]
    assert "2024-04-21 至 2024-04-30 共 10 天" in " ".join(alone.sentences())
    import_files(ws, [then])
    assert "month_partial" in (now := gaps_on_page(ws))[1]
    assert "2024-04-28 至 2024-04-30 共 3 天" in now[0]
    assert "2024-04-21" not in now[0], "what is left of the gap is told"
    import_files(ws, [last])
    assert "一行也没有" not in (now := gaps_on_page(ws))[0]
    assert "month_partial" not in now[1]
    undo_import(ws)
    assert "2024-04-28 至 2024-04-30" in gaps_on_page(ws)[0], "an undo brings the gap back"


def test_files_of_one_import_fill_each_others_gaps(ws: Workspace, tmp_path: Path):
    halves = [("2024-03-01", "2024-04-20"), ("2024-04-21", "2024-04-30")]
    paths = [monthly(tmp_path, f"{number}.csv", reports(*half, per_day=4)) for number, half in enumerate(halves)]
    report = import_files(ws, paths)
    assert [one.problems.get("month_partial") for one in report.files] == [None, None]
    assert "一行也没有" not in " ".join(line for one in report.files for line in one.sentences())
