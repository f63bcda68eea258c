"""Larger maps of what is crowded on a village's sheet, and arrows on a map that is turned."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pdfplumber
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from gis_data.catalogue import text
from models.plan import Plan
from views.sheets.camera_map import ARROW_MM, VillageDrawing, village_scene
from views.sheets.camera_sheet import camera_pages, write_camera_sheet
from views.sheets.content import TextPage
from views.sheets.details import CROWDED_MM, FEWEST_CROWDED, details
from views.sheets.frame import MapWindow, fit

from .test_camera_sheet import DAY, ground, plan, town  # noqa: F401 - fixtures


def in_sight(window, xy):
    paper = shapely.get_coordinates(window.to_paper(shapely.points(xy)))
    return ((paper >= 0) & (paper <= (window.frame.width, window.frame.height))).all(axis=1)


@given(seed=st.integers(0, 10_000), groups=st.integers(1, 4), scale=st.sampled_from([5_000, 10_000]))
def test_every_crowd_of_eight_is_shown_at_a_larger_scale_and_nothing_else_is(seed, groups, scale):
    rng = np.random.default_rng(seed)
    middles = rng.uniform(-900, 900, (groups, 2))
    xy = np.concatenate([middle + rng.normal(0, 40, (rng.integers(2, 20), 2)) for middle in middles])
    crowd = fcluster(linkage(xy, "single"), CROWDED_MM * scale / 1000 - 1e-9, "distance")
    found = details(shapely.points(xy), scale=scale)
    for number in set(crowd):
        own = xy[crowd == number]
        fits = fit(shapely.box(*(own.min(axis=0) - 60), *(own.max(axis=0) + 60)))[1].scale < scale
        if len(own) >= FEWEST_CROWDED and fits:
            assert any(in_sight(detail.window, own).all() for detail in found)
    for detail in found:
        assert detail.window.scale < scale
        inside = shapely.contains_xy(detail.area, *xy.T)
        assert max((crowd[inside] == number).sum() for number in set(crowd)) >= FEWEST_CROWDED


def test_a_map_with_room_has_no_detail():
    apart = CROWDED_MM * 10 + 1
    assert details([shapely.Point(apart * k, 0) for k in range(30)], scale=10_000) == []
    close = [shapely.Point(5 * k, 0) for k in range(FEWEST_CROWDED - 1)]
    assert details(close, scale=10_000) == []
    assert len(details([*close, shapely.Point(-5, 0)], scale=10_000)) == 1


def test_a_crowded_village_has_its_larger_map_between_front_and_list(town, plan, ground, tmp_path):  # noqa: F811
    """Ten more standing cameras within forty metres: one detail, framed on the front, without index squares."""
    crowded = with_more_poles(plan)
    front, closer, built = camera_pages(town.study, ground, crowded, "V5")
    framed = text("sheet.legend.detail")
    assert isinstance(built, TextPage)
    assert closer.window.scale < front.window.scale
    assert [framed in {words for _, words in page.drawing.legend} for page in (front, closer)] == [True, False]
    assert ["index" in {one["label"]["style"] for one in page.drawing.labels} for page in (front, closer)] == [
        True,
        False,
    ]
    numbers = {one["label"]["text"] for one in closer.drawing.labels if one["label"]["style"] == "checkpoint"}
    assert len(numbers) >= 10
    assert len(camera_pages(town.study, ground, plan, "V5")) == 2
    path = write_camera_sheet(town.study, ground, crowded, "V5", tmp_path / "V5.pdf", printed_on=DAY)
    with pdfplumber.open(path) as book:
        assert len(book.pages) == 3


def with_more_poles(plan):  # noqa: F811
    sites, cameras = plan.tables["sites"], plan.tables["cameras"]
    site, camera = sites[sites["village_id"] == "V5"].iloc[[0]], cameras[cameras["village_id"] == "V5"].iloc[[0]]
    more_sites, more_cameras = [sites], [cameras]
    for k in range(10):
        at = shapely.affinity.translate(site.geometry.iloc[0], 4.0 * k, 0)
        more_sites.append(site.assign(site_id=f"more{k}", kind="existing", geometry=[at]))
        more_cameras.append(
            camera.assign(
                camera_id=f"old{k}", site_id=f"more{k}", status="existing", year=0, entrances="", geometry=[at]
            )
        )
    areas = plan.tables["areas"]
    wide = areas.set_geometry(areas.buffer(500))
    tables = {**plan.tables, "areas": wide, "sites": joined(more_sites), "cameras": joined(more_cameras)}
    return Plan(**{name: getattr(plan, name) for name in plan.__dataclass_fields__} | {"tables": tables})


def joined(parts):

    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=parts[0].crs)


@pytest.mark.parametrize("turn_deg", [0.0, 90.0, -37.0])
def test_an_arrow_points_where_its_camera_looks_however_the_map_is_turned(plan, ground, turn_deg, monkeypatch):  # noqa: F811
    drawn = []
    monkeypatch.setattr("views.sheets.camera_map._arrow", lambda x, y, deg: drawn.append((x, y, deg)) or "")
    scene = village_scene(plan, "V5", ground)
    layout, _ = fit(scene.area)
    drawing = VillageDrawing(plan, scene, MapWindow.around(scene.area, layout.map, 10_000, turn_deg=turn_deg))
    list(drawing.draw_views())
    cameras = plan.tables["cameras"]
    own = cameras[(cameras["village_id"] == "V5") & ~cameras["turns"].astype(bool)].dropna(subset="azimuth_deg")
    assert len(own) > 0
    for (x, y, deg), camera in zip(drawn, own.itertuples(), strict=False):
        ahead = np.radians(camera.azimuth_deg)
        metres = 10 * ARROW_MM
        aim = shapely.Point(camera.geometry.x + metres * np.sin(ahead), camera.geometry.y + metres * np.cos(ahead))
        at = drawing.window.to_paper(aim)
        on_paper = np.radians(deg)
        assert (x + ARROW_MM * np.sin(on_paper), y - ARROW_MM * np.cos(on_paper)) == pytest.approx(
            (at.x, at.y), abs=1e-6
        )
