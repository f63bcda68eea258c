"""Changed settings: only the changed lines change, nonsense is refused in a sentence, the log says what was."""

import pytest
import shapely

from gis_data import audit
from gis_data.change_settings import change_settings, flat
from gis_data.errors import InputError, SchemaError
from gis_data.settings import Settings
from gis_data.study import Study
from gis_data.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    return Workspace.create(tmp_path / "town", Study("镇", shapely.box(0, 0, 1_000, 1_000), "EPSG:4549"))


def test_one_line_changes_and_the_comments_stay(ws):
    before = (ws.root / "station.toml").read_text(encoding="utf-8").splitlines()
    changed = change_settings(ws, {"zones": {"tolerance": 0.15}, "seed": ws.study.settings.seed}, reason="试一试")
    after = (ws.root / "station.toml").read_text(encoding="utf-8").splitlines()
    assert changed.study.settings.zones.tolerance == 0.15
    different = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [(old.split()[2], new.split()[2]) for old, new in different] == [("0.1", "0.15")]
    entry = audit.entries(ws.root / "audit.jsonl")[-1]
    assert (entry["action"], entry["role"]) == ("settings", "planner")
    assert entry["parameters"] == {"changes": {"zones.tolerance": [0.1, 0.15]}, "reason": "试一试"}


def test_every_setting_can_be_written_and_read_back(ws):
    other = {
        name: (value + 1 if isinstance(value, int) and not isinstance(value, bool) else value)
        for name, value in flat(Settings().to_mapping())
    }
    tree: dict = {}
    for name, value in other.items():
        *sections, key = name.split(".")
        branch = tree.setdefault(sections[0], {}) if sections else tree
        branch[key] = value
    now = change_settings(ws, tree).study.settings
    assert dict(flat(now.to_mapping())) == other


def test_a_setting_that_an_old_file_lacks_is_added_to_its_section(ws):
    path = ws.root / "station.toml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("visits_school")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert (
        change_settings(Workspace.open(ws.root), {"beats": {"visits_school": 5}}).study.settings.beats.visits_school
        == 5
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"zones": {"tolerance": 3.0}}, "0.01 到 1.0"),
        ({"zones": {"count": "six"}}, "类型不对"),
        ({"zones": {"cont": 6}}, "不存在"),
        ({"cameras": {"camera_cny": [1500.0, -1.0]}}, "超出范围"),
        ({"workload": {"minutes_help": float("nan")}}, "超出范围"),
    ],
)
def test_nonsense_is_refused_and_nothing_is_written(ws, changes, said):
    before = (ws.root / "station.toml").read_bytes()
    with pytest.raises(SchemaError, match=said):
        change_settings(ws, changes)
    assert (ws.root / "station.toml").read_bytes() == before


def test_a_file_written_in_another_way_of_toml_is_left_to_a_hand(ws):
    path = ws.root / "station.toml"
    words = path.read_text(encoding="utf-8").replace("[settings.privacy]", '[settings."privacy"]')
    path.write_text(words, encoding="utf-8")
    with pytest.raises(InputError, match="不能自动改"):
        change_settings(Workspace.open(ws.root), {"privacy": {"publish_at_least": 20}})
    assert path.read_text(encoding="utf-8") == words
