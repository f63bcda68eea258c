"""1,000 towns without near repeats, change, drift or odd areas: how many report any.

``python -m benchmarks.nulls.near_repeat_and_change`` writes the table beside this file. A town is an alarm if the
method reports anything in it; the last column says whether more alarms than the level allows were seen, at 1 %.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from analysis.change import compare_periods, reporting_delay, type_drift
from analysis.compare import funnel, wilson_interval
from analysis.concentration import measure_concentration
from analysis.near_repeat import knox
from gis_data.periods import Period

TABLE = Path(__file__).with_suffix(".csv")
TOWNS, ALPHA = 1_000, 0.05
VILLAGES, SIDE_M = 71, 12_000
MAY = Period(pd.Timestamp("2024-05-01", tz="Asia/Shanghai"), pd.Timestamp("2024-06-01", tz="Asia/Shanghai"))
APRIL = Period(pd.Timestamp("2024-04-01", tz="Asia/Shanghai"), MAY.start)
BY_VILLAGE = ("type", "village_id")
TYPES = ("theft", "burglary", "assault", "neighbour", "crash", "other_help")

Report = Callable[[np.random.Generator], bool]


def near_repeats(rng: np.random.Generator, *, uncertain: bool) -> bool:
    """Tell whether near repeats are reported among 250 incidents at busy places, in a season, with weekly rhythm."""
    centres = rng.uniform(0, SIDE_M, (VILLAGES, 2))
    busy = rng.gamma(2, 1, VILLAGES)
    xy = centres[rng.choice(VILLAGES, 250, p=busy / busy.sum())] + rng.normal(0, 150, (250, 2))
    xy[:25] = xy[rng.integers(25, 250, 25)]  # venues with several incidents, at any times
    season = 1 + 0.8 * np.sin(np.arange(365) / 58) + 0.5 * (np.arange(365) % 7 > 4)
    day = rng.choice(365, 250, p=season / season.sum())
    last = day + rng.integers(0, 8, 250) if uncertain else None
    return bool(knox(xy, day, last, rng=rng, alpha=ALPHA).bands["is_raised"].any())


def month(rng: np.random.Generator, period: Period, *, mix: np.ndarray, busy: np.ndarray) -> pd.DataFrame:
    """Return about 150 incidents of a month, some with an hour that is known only as a span of hours."""
    n = rng.poisson(5 * period.days)
    at = period.start + pd.to_timedelta(rng.uniform(0, period.days, n), unit="D")
    until = np.minimum(at + pd.to_timedelta(rng.exponential(4, n) * (rng.random(n) < 0.5), unit="h"), period.end)
    return pd.DataFrame({
        "reported_at": at, "occurred_from": at, "occurred_to": until, "count": 1,
        "type": rng.choice(TYPES, n, p=mix), "village_id": rng.choice(VILLAGES, n, p=busy),
    })  # fmt: skip


def two_months(rng: np.random.Generator) -> pd.DataFrame:
    """Return two months at the same rates, of unequal villages and types."""
    mix, busy = rng.dirichlet(np.full(len(TYPES), 3.0)), rng.dirichlet(np.full(VILLAGES, 2.0))
    return pd.concat([month(rng, span, mix=mix, busy=busy) for span in (MAY, APRIL)], ignore_index=True)


def change(rng: np.random.Generator, *, by: tuple[str, ...], bands: bool) -> bool:
    """Tell whether any change is named between two months at the same rates."""
    return bool((compare_periods(two_months(rng), MAY, APRIL, by=by, bands=bands, alpha=ALPHA)["word"] != "none").any())


def drift(rng: np.random.Generator) -> bool:
    """Tell whether any type is warned of where the mix of types is the same."""
    return bool((type_drift(two_months(rng), MAY, APRIL, alpha=ALPHA)["warning"] != "").any())


def late(rng: np.random.Generator) -> bool:
    """Tell whether reports are called slower or faster where delays are alike and the latest are still to come."""
    frame = two_months(rng)
    frame["reported_at"] = frame["occurred_from"] + pd.to_timedelta(rng.exponential(2, len(frame)), unit="D")
    return reporting_delay(frame, MAY, APRIL, as_of=MAY.end, alpha=ALPHA).late_word != "none"


def odd_areas(rng: np.random.Generator) -> bool:
    """Tell whether any village leaves the funnel where incidents follow people."""
    people = rng.lognormal(6.5, 0.5, VILLAGES)
    return bool((funnel(rng.poisson(people * 0.01), people).sides(alpha=ALPHA) != "inside").any())


def concentrated(rng: np.random.Generator) -> bool:
    """Tell whether incidents are called concentrated where every place is alike."""
    return measure_concentration(rng.multinomial(120, np.full(300, 1 / 300)), rng=rng).p_value <= ALPHA


KINDS: tuple[tuple[str, str, Report], ...] = (
    ("Knox, any of 44 bands", "busy places, a season", lambda rng: near_repeats(rng, uncertain=False)),
    ("Knox, any of 44 bands", "the same, uncertain dates", lambda rng: near_repeats(rng, uncertain=True)),
    ("Change, whole town", "equal rates", lambda rng: change(rng, by=(), bands=False)),
    ("Change, any type and village", "equal rates", lambda rng: change(rng, by=BY_VILLAGE, bands=False)),
    ("Change, any type and band", "equal rates", lambda rng: change(rng, by=("type",), bands=True)),
    ("Change, any type, village and band", "equal rates", lambda rng: change(rng, by=BY_VILLAGE, bands=True)),
    ("Type drift, any warning", "one mix of types", drift),
    ("Reporting delay, late_word", "equal delays, cut off today", late),
    ("Funnel, any village", "incidents follow people", odd_areas),
    ("Concentration", "300 places alike", concentrated),
)


def main() -> int:
    """Count the towns that report something, write the table, and fail where they are more than chance allows."""
    rows = []
    for number, (method, null_town, reports) in enumerate(KINDS):
        seeds = np.random.SeedSequence([20240101, number]).spawn(TOWNS)
        alarms = sum(bool(reports(np.random.default_rng(seed))) for seed in seeds)
        low, high = wilson_interval(alarms, TOWNS)
        rows.append({
            "method": method, "null_town": null_town, "level": ALPHA, "towns": TOWNS, "share": f"{alarms / TOWNS:.4f}",
            "low_95": f"{low:.4f}", "high_95": f"{high:.4f}",
            "above_level": bool(stats.binom.sf(alarms - 1, TOWNS, ALPHA) < 0.01),
        })  # fmt: skip
        print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(TABLE, index=False, lineterminator="\n")
    return int(any(row["above_level"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
