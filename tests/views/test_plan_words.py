"""Plans in words: the audit log as the page of plans tells it, and other zone plans as the command line does."""

import math

import pandas as pd
import pytest

from gis_data.catalogue import speaking
from models.plan import Plan
from views import figures
from views.plan_words import action_name, details, log_table, moved_table
from views.summary import optimality
from views.zone_figures import option_lines


@pytest.mark.parametrize(
    ("lang", "parameters", "said"),
    [
        ("zh", {"parts": ["zones", "cameras"], "seed": 7, "until": ""}, "内容：巡区、监控规划；随机种子：7"),
        ("zh", {"files": [["已建.csv", "cameras", 14, 13, 1, 0]], "token": "ab"},
         "文件：已建.csv（监控，读入 14 = 接受 13 + 搁置 1 + 拒绝 0）"),
        ("en", {"insisted": False, "after": {"gap": 1.1, "note": None}}, "insisted: ✗; after: (gap: 1.1, remark: —)"),
        ("zh", {"changes": {"zones.count": [0, 5], "hotspots.scales_m": [[1.0], [2.0]]}},
         "改动：（巡区数：0 → 5，hotspots.scales_m：1.0 → 2.0）"),
        ("zh", {"mapping": {"来电时刻": "reported_at"}, "table": "incidents"},
         "表头：（来电时刻：报警时间）；表：警情"),
        ("en", {"reason": "agreed", "unheard_of": 3}, "reason: agreed; unheard_of: 3"),
        ("zh", {"changes": [{"kind": "move", "camera_id": "V001-C3", "x": 488753.5, "azimuth_deg": 200.0}]},
         "改动：V001-C3 移动或转向"),
        ("en", {"change": {"kind": "move", "units": ["V025"], "zone_id": "Z2", "crossing_id": -1, "road_ids": []}},
         "change: V025 → Z2"),
        ("zh", {"change": {"kind": "add", "wish_id": "", "x": 489400.6, "name": "老粮站", "visits": 7}},
         "改动：必巡点「老粮站」，每周 7 次"),
        ("en", {"change": {"kind": "close_road", "road_ids": [5552]},
                "after": {"max_ratio": 1.0980276, "gap": 0.0012345}},
         "change: Close road #5552; after: (busiest ÷ mean: 1.10, gap: 0.00123)"),
        ("en", {"unheard_of": [3], "units": [], "reason": "agreed"}, "reason: agreed; unheard_of: 3"),
    ],
)  # fmt: skip
def test_an_entry_is_told_in_the_running_language(lang, parameters, said):
    with speaking(lang):
        assert details(parameters) == said


def test_changes_of_accounts_have_names_and_the_newest_entry_stands_first():
    entries = [
        {"when": "2024-01-01T00:00:00+00:00", "who": "x", "role": "station", "action": f"access.{what}",
         "parameters": {}}
        for what in ("added", "removed")
    ]  # fmt: skip
    with speaking("en"):
        told = log_table(entries, "Asia/Shanghai")
        assert list(told.iloc[:, 2]) == ["remove account", "add account"]
        assert action_name("never.heard") == "never.heard"


def test_a_unit_is_never_said_to_move_from_a_zone_to_the_same():
    """Zones are numbered anew by each run: Z4 of the second may continue Z3 of the first."""
    moved = pd.DataFrame(
        {"name": ["东村", "西村", "南村"], "zone_id": ["Z4", "Z1", "Z2"], "new_zone_id": ["Z4", "Z2", "Z7"],
         "continues": ["Z3", "Z2", ""], "work_min": 60.0}
    )  # fmt: skip
    with speaking("zh"):
        table = moved_table(moved)
    assert table["新巡区"].tolist() == ["Z4（接原 Z3）", "Z2", "Z7（新区）"]


def test_each_option_of_the_zones_is_a_line_with_its_price_and_one_without_a_plan_says_why():
    found = {"travel_min": 4.5841, "gap": 0.0, "max_ratio": 1.0987, "moved": 8, "ended_by": "optimal", "found": True}
    none = {"travel_min": math.nan, "gap": math.nan, "max_ratio": math.nan, "moved": -1, "found": False}
    options = pd.DataFrame(
        [
            {"kind": "moves", "budget": 8, "tolerance": 0.1, "count": 6, **found},
            {"kind": "balance", "budget": -1, "tolerance": 0.02, "count": 6, **none, "ended_by": "infeasible"},
            {"kind": "count", "budget": -1, "tolerance": 0.1, "count": 10, **none, "ended_by": "time"},
            {"kind": "count", "budget": -1, "tolerance": 0.1, "count": 7, **found, "moved": -1},
        ]
    )
    with speaking("en"):
        priced = "4.58 minutes, busiest/mean 1.10, at most 0.0% from the best"
        assert option_lines(options) == [
            f"at most 8 villages move: {priced}; villages moved: 8",
            "work within ±2%: proven: none",
            "10 zones: none found",
            f"7 zones: {priced}",
        ]


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        (2.0, "proven optimal (gap 0)"),
        (2.0 * (1 - 2e-16), "proven optimal (gap 0)"),
        (2.0 * (1 - 1e-6), "at most 0.01%"),
        (1.9, "at most 5."),
    ],
)
def test_a_gap_is_nothing_only_where_nothing_is_left(bound, said):
    plan = Plan("zones", {}, {}, seed=1, seconds=0.0, objective=2.0, bound=bound)
    with speaking("en"):
        assert said in optimality(plan)


def test_a_share_is_less_than_a_tenth_where_it_is_there_and_nothing_where_it_is_a_rounding():
    assert [figures.percent(share) for share in (0.0, 1.9e-14, 1e-5, 0.06)] == ["0.0%", "0.0%", "<0.1%", "0.1%"]
