"""The audit log as the page of plans tells it."""

import pytest

from gis_data.catalogue import speaking
from views.plan_words import action_name, details, log_table


@pytest.mark.parametrize(
    ("lang", "parameters", "said"),
    [
        ("zh", {"parts": ["zones", "cameras"], "seed": 7, "until": ""}, "内容：巡区、监控规划；随机种子：7"),
        ("zh", {"files": [["已建.csv", "cameras", 14, 13, 1, 0]], "token": "ab"},
         "文件：已建.csv（监控，读入 14 = 接受 13 + 搁置 1 + 拒绝 0）"),
        ("en", {"insisted": False, "after": {"gap": 1.1, "note": None}}, "insisted: ✗; after: (gap: 1.1, remark: —)"),
        ("en", {"reason": "agreed", "unheard_of": 3}, "reason: agreed; unheard_of: 3"),
        ("en", {"unheard_of": [3], "units": [], "reason": "agreed"}, "reason: agreed; unheard_of: 3"),
    ],
)  # fmt: skip
def test_an_entry_is_told_in_the_running_language(lang, parameters, said):
    with speaking(lang):
        assert details(parameters) == said


def test_changes_of_accounts_have_names_and_the_newest_entry_stands_first():
    entries = [
        {"when": "2024-01-01T00:00:00+00:00", "role": "station", "action": f"access.{what}", "parameters": {}}
        for what in ("added", "removed")
    ]  # fmt: skip
    with speaking("en"):
        told = log_table(entries, "Asia/Shanghai")
        assert list(told.iloc[:, 2]) == ["remove account", "add account"]
        assert action_name("never.heard") == "never.heard"
