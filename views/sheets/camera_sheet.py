"""Village camera sheet (村庄监控图): where each camera stands and looks, at a true 1:n, and on its back what to build.

In:     a study, its ground tables, the plan "cameras".
Out:    two pages a village (more where its cameras are many), alone or all villages in one folder. Nothing is computed
        here but words, sums and degrees.
"""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gis_data.catalogue import Language, language, speaking, text
from gis_data.errors import InputError
from gis_data.study import Study
from models.plan import Plan
from views.figures import purpose_of, records, why_named
from views.sheets.camera_map import VillageDrawing, draw_village, in_order, of_village, poles_of, village_scene
from views.sheets.content import Block, Facts, Heading, MapPage, Table, TextPage, Words, write_sheets
from views.sheets.details import details
from views.sheets.frame import fit
from views.sheets.imprint import Imprint
from views.sheets.index_grid import square

GROUND = ("roads", "water", "buildings", "villages", "barriers", "crossings", "places")
MOST_BLIND = 8
_MONEY = ("cameras.budget", "cameras.cordon", "cameras.cordon_price", "cameras.wishes", "cameras.wish_bounds")


def camera_pages(
    study: Study, ground: Mapping[str, gpd.GeoDataFrame], plan: Plan, village_id: str
) -> tuple[MapPage | TextPage, ...]:  # fmt: skip
    """Return the pages of a village: its map, larger maps of what is crowded on it, and what to build.

    Parameters
    ----------
    ground
        The tables named in ``GROUND``, in the study's CRS.

    Raises
    ------
    InputError
        If the plan has no such village, or nothing was planned in it.
    """
    summary = plan.tables["summary"]
    if village_id not in set(summary["village_id"]) or of_village(plan, "areas", village_id).is_empty.all():
        raise InputError("sheet.no_village", found=village_id, known=", ".join(summary["village_id"]))
    scene = village_scene(plan, village_id, ground)
    shown = [scene.zone.geometry, *scene.checkpoints.geometry]
    layout, window = fit(shapely.union_all(shown))
    larger = details(list(scene.checkpoints.geometry), scale=window.scale)
    name = summary.set_index("village_id").loc[village_id, "name"]
    title = text("camera_sheet.title", town=study.name, village=name)
    front = MapPage(title, layout, window, draw_village(plan, scene, window, details=larger), odd=True)
    inside = text("camera_sheet.detail_title", town=study.name, village=name)
    closer = [
        MapPage(inside, one.layout, one.window, draw_village(plan, scene, one.window, whole=False), level=2)
        for one in larger
    ]
    back = text("camera_sheet.back_title", town=study.name, village=name)
    blocks = _Back(study, plan, village_id, VillageDrawing(plan, scene, window)).blocks()
    lying = layout.width > layout.height  # as its front, or the leaf would have to be turned twice
    built = TextPage(back, tuple(blocks), text("camera_sheet.subtitle"), lying=lying, fit=True, level=2)
    return front, *closer, built


def write_camera_sheet(
    study: Study,
    ground: Mapping[str, gpd.GeoDataFrame],
    plan: Plan,
    village_id: str,
    path: Path,
    *,
    printed_on: datetime.date,
    audit: str = "",
    lang: Language | None = None,
) -> Path:
    """Write the leaf of one village (see ``camera_pages``); the same date and audit hash give the same bytes."""
    with speaking(lang or language()):
        pages = camera_pages(study, ground, plan, village_id)
        imprint = Imprint.of(study, plan, audit=audit, printed_on=printed_on)
        return write_sheets(imprint, pages[0].title, pages, path)


def planned_villages(plan: Plan) -> list[str]:
    """Return the villages that cameras are planned for."""
    summary, built = plan.tables["summary"], plan.tables["areas"]
    return list(
        summary.loc[summary["village_id"].isin(built.loc[~built.geometry.is_empty, "village_id"]), "village_id"]
    )


class _Back:
    """The blocks of a village's back page."""

    def __init__(self, study: Study, plan: Plan, village_id: str, drawing: VillageDrawing) -> None:
        self.study, self.plan, self.village_id, self.drawing = study, plan, village_id, drawing
        self.settings = plan.settings["cameras"]
        self.cameras, self.poles = in_order(of_village(plan, "cameras", village_id)), poles_of(plan, village_id)
        self.row = plan.tables["summary"].set_index("village_id").loc[village_id]

    def blocks(self) -> list[Block]:
        """Return all blocks in their order."""
        found: list[Block] = [self._facts(), Words(why_named(self.plan, self.village_id)), *self._proof()]
        found += [Heading(text("camera_sheet.cameras")), self._cameras()]
        found += [Words(line, quiet=True) for line in self._remarks()]
        found += [Heading(text("camera_sheet.materials")), self._materials()]
        found += self._open_entrances()
        found += self._blind()
        return found

    def _facts(self) -> Facts:
        row, road = self.row, self.row["road_m"] or float("nan")
        values = {
            "population": f"{row['population']:,.0f}",
            "cameras": text("camera_sheet.count", new=row["new_cameras"], old=row["existing_cameras"]),
            "poles": f"{row['poles']:,}",
            "entrances": f"{row['entrances_seen']} / {row['entrances']}",
            "fewest_cut": f"{row['fewest_cut']}",
            "seen": f"{100 * row['seen_m'] / road:.0f}% / {100 * row['seen_at_night_m'] / road:.0f}%",
            "covered": f"{row['covered_pct']:.1f}%",
            "private": f"{row['private_m2']:,.0f} m²",
            "cost": f"{row['cost_cny']:,.0f}",
        }
        return Facts(tuple((text(f"camera_sheet.fact.{name}"), value) for name, value in values.items()), columns=3)

    def _proof(self) -> list[Block]:
        """Return how far the plan of all villages is from its bound, and what the cordon costs."""
        plan, lines = self.plan, [text(key, **values) for key, values in self.plan.notes if key in _MONEY]
        if plan.bound is not None and plan.objective is not None:
            gap = f"{100 * (plan.gap or 0):.2f}"
            lines.insert(
                0, text("camera_sheet.proof", objective=f"{plan.objective:.2f}", bound=f"{plan.bound:.2f}", gap=gap)
            )
        elif plan.ended_by == "hand":
            lines.insert(0, text("camera_sheet.by_hand"))
        return [Words(text("camera_sheet.all_villages") + " ".join(lines), quiet=True)]

    def _cameras(self) -> Table:
        cards = {card["camera_id"]: card for card in records(self.plan.tables["checklist"])}
        number = dict(zip(self.poles["site_id"], self.poles["number"], strict=True))
        rows = []
        for camera, point in zip(records(self.cameras), self.cameras.geometry, strict=True):
            card, watched = cards.get(camera["camera_id"]), self._short(camera["entrances"])
            pole = text("camera_sheet.pole", number=number[camera["site_id"]])
            rows.append((
                self._short(camera["camera_id"]), f"{number[camera['site_id']]}",
                square(self.drawing.window, self.drawing.window.to_paper(point)),
                text(f"page.cameras.site.{camera['site_kind']}"), *self._look(camera),
                purpose_of(card, watched) if card else self._standing(watched),
                card["basis"] if card else "—", pole if card else "—",
                (card["masks"].replace(";", " ") or "—") if card else "—", f"{camera['private_m2']:,.0f}",
                f"{camera['year']}" if camera["year"] else "—",
            ))  # fmt: skip
        columns = ("number", "pole", "square", "place", "azimuth", "lens", "height", "purpose", "basis", "sign",
                   "masks", "private", "year")  # fmt: skip
        head = tuple(text(f"camera_sheet.column.{name}") for name in columns)
        return Table(head, tuple(rows), (0, 0, 0, 0, 0, 0, 0, 1.5, 0, 0, 1, 0, 0), numbers=(1, 4, 5, 6, 11, 12))

    @staticmethod
    def _standing(watched: str) -> str:
        known = text("page.cameras.site.existing")
        return text("camera_sheet.standing", entrances=watched) if watched else known

    def _look(self, camera: Mapping[str, Any]) -> tuple[str, str, str]:
        height = f"{self.settings['mount_height_m']:g} m" if camera["status"] != "existing" else "—"
        if camera["turns"]:
            return text("camera_sheet.all_round"), text("camera_book.type.dome"), height
        return f"{camera['azimuth_deg']:.1f}°", f"{camera['hfov_deg']:.0f}°", height

    def _remarks(self) -> list[str]:
        cards = self.plan.tables["checklist"]
        own = cards[cards["village_id"] == self.village_id]
        basis = [f"{name}: {text(f'camera_book.basis.{name}')}" for name in sorted(own["basis"].unique())]
        close = [self._short(name) for name in own.loc[own["on_private_ground"].astype(bool), "camera_id"]]
        lines = [text("list.break").join(basis)] if basis else []
        if close:
            lines.append(text("camera_sheet.near_dwelling", cameras=close))
        if len(own):
            first = own.iloc[0]
            days = {"filing": first["filing_days"], "retention": first["retention_days"]}
            lines.append(text("camera_sheet.duties", **days, unit=first["unit"] or "______"))
        return lines

    def _materials(self) -> Table:
        settings, new = self.settings, self.cameras[self.cameras["status"] != "existing"]
        poles = self.poles[self.poles["kind"] != "existing"]
        solar, radio = poles["power"] == "solar", poles["link"] == "radio"
        base = poles["cost_cny"] - solar * settings["solar_cny"] - radio * settings["radio_link_cny"]
        items = [
            (text("camera_book.lens", degrees=f"{lens:.0f}"), int((new["hfov_deg"] == lens).sum()), price)
            for lens, price in zip(settings["lens_hfov_deg"], settings["camera_cny"], strict=True)
        ]
        items += [
            (text("camera_book.column.domes"), int(new["turns"].sum()), settings["ptz_cny"]),
            (text("camera_book.column.new_poles"), int((base >= settings["pole_cny"]).sum()), settings["pole_cny"]),
            (text("camera_book.column.mounts"), int((base < settings["pole_cny"]).sum()), settings["mount_cny"]),
            (text("camera_book.column.solar"), int(solar.sum()), settings["solar_cny"]),
            (text("camera_book.column.radio"), int(radio.sum()), settings["radio_link_cny"]),
            (text("camera_book.column.signs"), len(poles), 0.0),
        ]
        rows = [
            (name, f"{count:,}", f"{price:,.0f}" if price else "—", f"{count * price:,.0f}" if price else "—")
            for name, count, price in items if count
        ]  # fmt: skip
        rows.append((text("quality.total"), "", "", f"{sum(count * price for _, count, price in items):,.0f}"))
        head = tuple(text(f"camera_sheet.material.{name}") for name in ("item", "count", "price", "sum"))
        return Table(head, tuple(rows), (1, 0, 0, 0), numbers=(1, 2, 3))

    def _open_entrances(self) -> list[Block]:
        table = of_village(self.plan, "entrances", self.village_id)
        rows = [
            (
                self._short(row["entrance_id"]), row["road"] or "—", self._why(row),
                "—" if pd.isna(row["build_distance_m"]) else f"{row['build_distance_m']:.0f} m",
                "—" if pd.isna(row["build_x"]) else f"{row['build_x']:.0f}, {row['build_y']:.0f}",
            )
            for row in records(table[~table["seen"].astype(bool)])
        ]  # fmt: skip
        head = tuple(text(f"camera_sheet.entrance.{name}") for name in ("number", "road", "why", "distance", "spot"))
        title = Heading(text("camera_sheet.open_entrances"))
        return [title, Table(head, tuple(rows), (0, 1, 2, 0, 0), empty=text("camera_sheet.none_open"))]

    def _why(self, row: Mapping[str, Any]) -> str:
        if row["released"]:
            return text("camera_sheet.released", reason=row["released"])
        return text(f"camera_book.state.{'open' if row['can_be_seen'] else 'unseeable'}")

    def _blind(self) -> list[Block]:
        table = of_village(self.plan, "blind_spots", self.village_id)
        rows = [
            (
                square(self.drawing.window, self.drawing.window.to_paper(shapely.Point(row["x"], row["y"]))),
                text("page.cameras.where", metres=f"{row['from_centre_m']:.0f}",
                     side=text(f"page.side.{row['direction']}")),
                row["road"] or "—", f"{row['length_m']:.0f} m", f"{row['weight_pct']:.2f}%",
            )
            for row in records(table.head(MOST_BLIND))
        ]  # fmt: skip
        head = tuple(text(f"camera_sheet.blind.{name}") for name in ("square", "where", "road", "length", "weight"))
        total = text("camera_sheet.blind_total", count=len(table), metres=f"{table['length_m'].sum():,.0f}")
        found: Sequence[Block] = (Heading(text("camera_sheet.blind_title")), Table(head, tuple(rows), (0, 1, 1, 0, 0)))
        return [*found, Words(total, quiet=True)] if rows else []

    def _short(self, names: str) -> str:
        return names.replace(f"{self.village_id}-", "").replace(";", text("list.mark"))
