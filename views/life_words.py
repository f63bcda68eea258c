"""Lives of hotspots in words: which are worth a line, one line each, and the tiles of their timeline.

In:     the tables "lives" and "pictures" of a hotspot plan.
Out:    small frames of words. Nothing is computed here but rounding.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_data.catalogue import text
from views.figures import DASH, records

MOVED_M = 50.0  # a centre that wandered less has not moved: half a reach
FEWEST_PICTURES = 2


def worth_telling(lives: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the lives that go on, or were seen in two months at least: the longest first."""
    told = lives[(lives["pictures"] >= FEWEST_PICTURES) | (lives["ended"] == "")]
    return told.sort_values(["pictures", "most"], ascending=False, kind="stable")


def sentence(life: Mapping[str, Any]) -> str:
    """Return one life in a line: born, moved, came back, ended."""
    facts = [_birth(life)]
    if life["moved_m"] >= MOVED_M:
        facts.append(text("page.hotspots.life.moved", metres=f"{life['moved_m']:.0f}"))
    if life["returned"]:
        facts.append(text("page.hotspots.life.returned", times=life["returned"]))
    facts.append(_end(life))
    return text("page.hotspots.life.mark").join(facts)


def _birth(life: Mapping[str, Any]) -> str:
    if life["from_start"]:
        return text("page.hotspots.life.from_start")
    if life["other"] and life["ended"] != "merged":
        return text("page.hotspots.life.split", month=life["first_month"], other=life["other"])
    return text("page.hotspots.life.born", month=life["first_month"])


def _end(life: Mapping[str, Any]) -> str:
    key = life["ended"] or "going_on"
    return text(f"page.hotspots.life.{key}", month=life["last_month"], other=life["other"])


def label(life: Mapping[str, Any]) -> str:
    """Return the name of a life, with the hotspot that stands there over the whole period."""
    return f"{life['life_id']} · {life['hotspot_id']}" if life["hotspot_id"] else str(life["life_id"])


def life_table(lives: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a line for each life."""
    head = {name: text(f"page.hotspots.life_column.{name}") for name in ("life", "hotspot", "most", "line")}
    return pd.DataFrame(
        [
            {
                head["life"]: row["life_id"], head["hotspot"]: row["hotspot_id"] or DASH,
                head["most"]: f"{row['most']:,}", head["line"]: sentence(row),
            }
            for row in records(lives)
        ]
    )  # fmt: skip


def on_the_map(lives: gpd.GeoDataFrame, pictures: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the last grounds of the lives told that ended (``gone``) and the ways of those that moved (``ways``)."""
    told = worth_telling(lives)
    told = told.assign(title=[label(row) for row in records(told)], line=[sentence(row) for row in records(told)])
    last = pictures[pictures["count"] > 0].drop_duplicates("life_id", keep="last").set_index("life_id").geometry
    gone = told[told["ended"] != ""]
    grounds = gpd.GeoSeries(last.loc[gone["life_id"]].to_numpy(), gone.index, crs=lives.crs)
    return {"gone": gone.set_geometry(grounds), "ways": told[told["moved_m"] >= MOVED_M]}


def tiles(pictures: gpd.GeoDataFrame, lives: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the timeline in the order of the lives: life, month, event, incidents of the window, and what to write."""
    names = {row["life_id"]: label(row) for row in records(lives)}
    shown = pictures[pictures["life_id"].isin(list(names))]
    shown = shown.sort_values("life_id", key=lambda ids: ids.map(list(names).index), kind="stable")
    return pd.DataFrame(
        {
            "life": shown["life_id"].map(names),
            "month": shown["month"],
            "event": [text(f"page.hotspots.event.{event}") for event in shown["event"]],
            "count": shown["count"],
            "expected": shown["expected_count"],
            "words": [f"{count}" if count else "×" for count in shown["count"]],
            "is_hotspot": shown["is_hotspot"],
        }
    )
