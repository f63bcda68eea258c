"""The scorecard for the public: read back, it holds no small count and nothing of the station's own."""

import openpyxl
import pytest

from gis_data.catalogue import LANGUAGES, speaking, text
from gis_data.workspace import Workspace
from models.publication import hidden
from models.store import load_plans
from views.public_card import write_public_card


def sheet_of(planned_town, path, lang="zh"):
    ws = Workspace.open(planned_town)
    with speaking(lang):
        return openpyxl.load_workbook(write_public_card(load_plans(ws)["scorecard"], ws.study, path))


def values_of(book):
    return [str(cell.value) for sheet in book.worksheets for row in sheet for cell in row if cell.value is not None]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_small_counts_are_not_published_and_large_ones_are(planned_town, tmp_path, lang):
    card = load_plans(Workspace.open(planned_town))["scorecard"]
    said = values_of(sheet_of(planned_town, tmp_path / "a.xlsx", lang))
    pools = card.tables["arrest_pools"]["arrest_incidents"]
    hide, hide_sum = hidden(pools, least=10)
    # A hidden pool has neither count nor rate.
    assert said.count(text("scorecard.word.hidden", lang=lang)) == 2 * hide.sum() + hide_sum
    for count in card.to_frame()["reported"]:
        assert f"{count:,}" in said
    shown = {f"{count:,.0f}" for count in pools[~hide]}
    assert shown <= set(said)
    single = {str(count) for count in card.to_frame()["arrest_incidents"]} | {str(count) for count in pools[hide]}
    assert not (single - shown) & set(said)


def test_nothing_internal_no_village_no_crew_and_no_part_of_the_period_is_in_it(planned_town, tmp_path):
    ws = Workspace.open(planned_town)
    book = sheet_of(planned_town, tmp_path / "a.xlsx")
    said = "\n".join(values_of(book))
    assert text("scorecard.internal_mark") not in said + str(book.worksheets[0].oddFooter.left.text)
    for name in {*ws.read("villages")["name"], *ws.read("crews")["crew_id"]}:
        assert name not in said
    frame = load_plans(ws)["scorecard"].to_frame()
    for latest, before in zip(frame["latest"], frame["before"], strict=True):
        assert f"{latest} / {before}" not in said
    assert text("scorecard.public.hidden", least=ws.study.settings.privacy.publish_at_least) in said
    assert len(book.worksheets) == 1


def test_the_same_plan_gives_the_same_bytes(planned_town, tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        sheet_of(planned_town, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
