"""A divided village on the printed zone sheet: its parts by name on the map, and said in plain words."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pdfplumber
import pytest
import shapely

from gis_data.catalogue import LANGUAGES, speaking, text
from views import sheets
from views.sheets.zone_sheet import scene_of

from .test_sheets import CRS, DAY, small_ground, small_plans, study_of


@pytest.fixture(scope="module")
def divided_town():
    """The fifth village is cut in three: two parts are in Z1, one in Z2."""
    ground, lots = small_ground()
    plans = small_plans(lots)
    zones, units = plans["zones"].to_frame(), plans["zones"].tables["units"]
    middle = shapely.centroid(units.geometry.to_numpy())
    units = units.assign(x=shapely.get_x(middle), y=shapely.get_y(middle))
    whole = units.iloc[4]
    names = [f"{whole['name']}第{number}片" for number in (1, 2, 3)]
    west, south, east, north = whole.geometry.bounds
    thirds = np.linspace(south, north, 4)
    parts = gpd.GeoDataFrame(
        {
            "unit_id": [f"V004#{number}" for number in (1, 2, 3)], "name": names, "zone_id": ["Z1", "Z1", "Z2"],
            "x": whole["x"], "y": (thirds[1:] + thirds[:-1]) / 2,
        },
        geometry=shapely.box(west, thirds[:-1], east, thirds[1:]), crs=CRS,
    )  # fmt: skip
    units = pd.concat([units.drop(index=4), parts], ignore_index=True)
    zones = zones.set_geometry(units.dissolve("zone_id").geometry[zones["zone_id"]].to_numpy(), crs=CRS)
    cells = pd.DataFrame({"cell_id": [1, 2, 3, 4], "village_id": "V004", "unit_id": [*parts["unit_id"], "V004#3"]})
    tables = {"zones": zones, "units": units, "parts": cells.assign(share=1 / 3)}
    return ground, lots, plans | {"zones": dataclasses.replace(plans["zones"], tables=tables)}, names


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sheet_names_the_parts_and_says_why(divided_town, tmp_path, lang):
    ground, lots, plans, names = divided_town
    said = []
    for zone_id in ("Z1", "Z2"):
        path = sheets.write_zone_sheet(
            study_of(lots), ground, plans, zone_id, tmp_path / f"{zone_id}.pdf", printed_on=DAY, lang=lang
        )
        with pdfplumber.open(path) as pdf:
            said.append(["".join(char["text"] for char in page.chars).replace(" ", "") for page in pdf.pages])
    with speaking(lang):
        mark = text("list.mark")
        about = {"village": names[0].removesuffix("第1片"), "count": 3}
        places = zip(names, ("Z1", "Z1", "Z2"), strict=True)
        far = [text("sheet.card.part_in_zone", part=name, zone=zone) for name, zone in places]
        sentences = (
            text("sheet.card.divided", **about, here=mark.join(names[:2]), rest=far[2]),
            text("sheet.card.divided", **about, here=names[2], rest=mark.join(far[:2])),
        )
        counts = [f"{text('sheet.card.villages')}{text('sheet.card.villages_value', count=6)}".replace(" ", "")] * 2
        counts[1] = counts[0].replace("6", "7")
    for (front, back), sentence, mine, count in zip(said, sentences, (names[:2], names[2:]), counts, strict=True):
        assert count in back, "a part is not counted as a village"
        assert "".join(sentence.split()) in back
        assert all(name in front for name in mine)


def test_each_part_is_a_village_of_its_zone_and_the_whole_is_none(divided_town):
    ground, _, plans, names = divided_town
    villages = scene_of(ground, plans, "Z1", crs=CRS).ground["villages"]
    assert sorted(set(villages["name"]) & set(names)) == sorted(names)
    assert "V004" not in set(villages["village_id"])
    assert len(villages) == 14
    assert len(scene_of(ground, small_plans(small_ground()[1]), "Z1", crs=CRS).ground["villages"]) == 12


def test_a_village_divided_within_one_zone_says_so_shortly(divided_town, tmp_path):
    ground, lots, plans, names = divided_town
    units = plans["zones"].tables["units"]
    units = units.assign(zone_id=units["zone_id"].mask(units["unit_id"] == "V004#3", "Z1"))
    zones = dataclasses.replace(plans["zones"], tables={**plans["zones"].tables, "units": units})
    path = sheets.write_zone_sheet(
        study_of(lots), ground, {**plans, "zones": zones}, "Z1", tmp_path / "Z1.pdf", printed_on=DAY, lang="zh"
    )
    with pdfplumber.open(path) as pdf:
        back = "".join(char["text"] for char in pdf.pages[1].chars).replace(" ", "")
    whole = names[0].removesuffix("第1片")
    assert "".join(text("sheet.card.divided_here", lang="zh", village=whole, count=3).split()) in back
