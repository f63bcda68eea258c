"""The data page's map: where points were written and where they are now."""

from typing import Any

import numpy as np
import pandas as pd
from folium.map import Layer
from folium.template import Template

from gis_data.catalogue import text
from gis_data.study import Study
from views.basemap.tiles import TileSet
from views.figures import records
from views.maps.frame import Row, TownMap, finished, town_map
from views.maps.layers import DEGREE_DIGITS, because, tip_html
from views.maps.look import svg
from views.palette import MOVE_DASHES, MOVES
from views.quality import DROPPED

MOST_MOVES, FEW_MOVES = 4_000, 1_500  # drawn at all; drawn as vectors, not on a canvas
STAYS_M = 1.0


def correction_map(study: Study, moves: pd.DataFrame, tiles: TileSet | None) -> TownMap:
    """Show where points were written and where they are now, with a line between; points given up stay hollow."""
    town = town_map(study, tiles)
    # What was given up is drawn first: its rings are large, and lie below the points that stayed.
    drawn = [group for group in reversed(MOVES) if (moves["group"] == group).any()]
    rows = [_moved_row(town, moves[moves["group"] == group], group, MOVES[group]) for group in drawn][::-1]
    if any(row.layer.thinned for row in rows if isinstance(row.layer, _Moves)):
        rows.append(Row("", text("map.moved.thinned", shown=f"{MOST_MOVES:,}")))
    return finished(town, rows)


def _moved_row(town: TownMap, moves: pd.DataFrame, group: str, colour: str) -> Row:
    layer = (_Moves.given_up if group in DROPPED else _Moves.moved)(moves, colour, MOVE_DASHES[group])
    layer.add_to(town)
    return Row(svg(_move_sample(group, colour)), moves_label(moves, group), layer)


def moves_label(moves: pd.DataFrame, group: str) -> str:
    """Say how many points of a group there are, and how far they were moved where they were."""
    count = f"{len(moves):,}"
    if group in DROPPED:
        return text(f"map.dropped.{group}", count=count)
    if group == "notation":
        return text("map.moved.notation", count=count)
    return text(f"map.moved.{group}", count=count, metres=f"{moves['moved_m'].median():,.0f}")


def _move_sample(group: str, colour: str) -> str:
    dash = f'stroke-dasharray="{MOVE_DASHES[group]}"'
    if group in DROPPED:
        return f'<circle cx="8" cy="6.5" r="5" fill="none" stroke="{colour}" stroke-width="1.6" {dash}/>'
    if group == "notation":
        return f'<circle cx="8" cy="6.5" r="3.4" fill="{colour}"/>'
    return (
        f'<path d="M3 6.5 H13" stroke="{colour}" stroke-width="1.4" {dash}/>'
        f'<circle cx="13" cy="6.5" r="2.6" fill="{colour}"/>'
        f'<circle cx="3" cy="6.5" r="2.4" fill="#fff" stroke="{colour}" stroke-width="1.2"/>'
    )


class _Moves(Layer):
    """Points before (hollow) and after (solid) with a line between; points given up are hollow and dashed."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = (function () {
            const colour = {{ this.colour|tojson }}, few = {{ this.few|tojson }}, dashArray = {{ this.dash|tojson }};
            const drawn = few ? {className: "xq-moved"} : {renderer: L.canvas()};
            const ring = {color: colour, weight: 1.2, fillColor: "#fff", fillOpacity: 0.85, radius: 2.6};
            const given = {color: colour, weight: 1.6, dashArray, fillColor: "#fff", fillOpacity: 0.15};
            const disc = {stroke: false, fillColor: colour, fillOpacity: 0.95, radius: 3.2};
            const marks = {{ this.moves|tojson }}.map(([before, after, radius, tip, more]) => {
                const parts = [];
                if (radius) {
                    parts.push(L.circleMarker(before, {...drawn, ...given, radius}));
                } else {
                    if (before) {
                        const way = {...drawn, color: colour, weight: 1.2, opacity: 0.75, dashArray};
                        parts.push(L.polyline([before, after], way));
                        parts.push(L.circleMarker(before, {...drawn, ...ring}));
                    }
                    parts.push(L.circleMarker(after, {...drawn, ...disc}));
                }
                parts.forEach((part) => xq.tells(part, tip, more));
                return parts;
            });
            return L.layerGroup(marks.flat());
        })();
        {% endmacro %}
        """
    )

    def __init__(self, moves: list[list[Any]], colour: str, dash: str, *, thinned: bool) -> None:
        super().__init__(overlay=True, control=False, show=True)
        self._name = "Moves"
        self.moves, self.colour, self.dash, self.thinned = moves, colour, dash, thinned
        self.few = len(moves) <= FEW_MOVES

    @classmethod
    def moved(cls, table: pd.DataFrame, colour: str, dash: str = "") -> "_Moves":
        """Return points that were moved, or only written in another way (then there is no line)."""
        shown = table.iloc[:: -(-len(table) // MOST_MOVES)]
        marks = []
        for row in records(shown.round(DEGREE_DIGITS)):
            before, after = [row["from_lat"], row["from_lon"]], [row["to_lat"], row["to_lon"]]
            stays = not np.isfinite(before).all() or row["moved_m"] < STAYS_M
            lines = [(text("map.moved.why"), _kinds(row["kind"]))]
            if not stays:
                lines.append((text("map.moved.distance"), text("map.moved.metres", metres=f"{row['moved_m']:,.0f}")))
            tip = tip_html(text("map.moved.row", file=row["file"], row=row["row"]), lines)
            marks.append([None if stays else before, after, 0, tip, _advice(row["kind"])])
        return cls(marks, colour, dash, thinned=len(shown) < len(table))

    @classmethod
    def given_up(cls, table: pd.DataFrame, colour: str, dash: str = "") -> "_Moves":
        """Return the places of points that are points no longer, larger where many rows share one."""
        known = table[np.isfinite(table[["from_lon", "from_lat"]]).all(axis=1)].round(DEGREE_DIGITS)
        spots = known.groupby(["from_lat", "from_lon", "kind"]).size().rename("rows").reset_index()
        shown = spots.sort_values("rows", ascending=False, kind="stable").head(MOST_MOVES)
        marks = []
        for row in records(shown):
            radius = round(min(3.5 + 0.9 * float(np.sqrt(row["rows"])), 15.0), 1)
            lines = [(text("map.moved.why"), _kinds(row["kind"]))]
            tip = tip_html(text("map.moved.rows", count=f"{row['rows']:,}"), lines)
            marks.append([[row["from_lat"], row["from_lon"]], None, radius, tip, _advice(row["kind"])])
        return cls(marks, colour, dash, thinned=len(spots) > MOST_MOVES)


def _advice(kinds: str) -> str:
    return because(text(f"intake.advice.{kind}") for kind in kinds.split(";"))


def _kinds(kinds: str) -> str:
    return text("list.mark").join(text(f"intake.reason.{kind}") for kind in kinds.split(";"))
