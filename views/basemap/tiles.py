"""Our own base map as tiles: water, land use, roads by class, buildings and names, on calm paper.

In:     the ground's tables and the study.
Out:    ``tiles/<hash of what was drawn>/{z}/{x}/{y}.webp`` in the workspace and ``map.json`` beside them; drawn once,
        under a temporary name, and again only when the ground has changed. Nothing is fetched from anywhere.
Method: Web Mercator. Each zoom is drawn in blocks of tiles, so that memory does not grow with the town, and cut. The
        overview zooms have two pixels per screen pixel, so that they stay sharp between whole zooms.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from PIL import Image

from gis_data.progress import Progress, silent
from gis_data.standing import standing
from gis_data.study import WGS84, Study
from gis_data.workspace import Workspace
from views.basemap.drawing import Ground, draw_block
from views.basemap.look import EARTH_M, MARGIN, TILE_PX, Block, density, mercator

LAYERS = ("landuse", "water", "barriers", "buildings", "roads", "villages", "places")
DRAWING = 3  # raise it when the drawing changes, so that stations' tiles are drawn anew
BLOCK_TILES = 8
FIRST_VIEW_PX = (640, 480)
MOST_TILES = 1_500
FINEST_ZOOM = 16
WEBP_QUALITY = 82


@dataclass(frozen=True)
class TileSet:
    """Where drawn tiles are and what they cover (degrees)."""

    key: str
    west: float
    south: float
    east: float
    north: float
    min_zoom: int
    max_zoom: int
    tiles: int

    @property
    def url(self) -> str:
        """Address pattern under which ``views.server`` offers the tiles."""
        return f"/tiles/{self.key}/{{z}}/{{x}}/{{y}}.webp"


def ensure_tiles(ws: Workspace, *, progress: Progress = silent) -> TileSet:
    """Return the workspace's tiles, drawn now if the ground has changed since they were drawn."""
    key = tiles_key(ws)
    folder = ws.root / "tiles"
    found = _read_head(folder / key)
    if found is None:
        progress("map.step.tiles", 0.0)
        tables = {name: ws.read(name) for name in LAYERS} | {"villages": standing_now(ws)}
        draft = folder / f".draft-{key}"
        shutil.rmtree(draft, ignore_errors=True)
        found = draw_tiles(ws.study, tables, draft, key=key, progress=progress)
        shutil.rmtree(folder / key, ignore_errors=True)
        draft.replace(folder / key)
        progress("map.step.tiles", 1.0)
    (folder / ".current").write_text(key, encoding="utf-8")
    (folder / ".current").replace(folder / "current")
    _drop_others(folder, key)
    return found


def current_tiles(root: Path) -> TileSet | None:
    """Return the tiles drawn last, or None when there are none."""
    pointer = root / "tiles" / "current"
    if not pointer.is_file():
        return None
    return _read_head(root / "tiles" / pointer.read_text(encoding="utf-8").strip())


def tiles_key(ws: Workspace) -> str:
    """Return a hash of everything that is drawn."""
    digest = hashlib.sha256(f"{DRAWING} {ws.study.crs} ".encode() + shapely.to_wkb(ws.study.boundary))
    for name in LAYERS:
        digest.update(ws.table_hash(name).encode())
    left_out = set(ws.read("villages")["village_id"]) - set(standing_now(ws)["village_id"])
    digest.update(" ".join(sorted(left_out)).encode())
    return digest.hexdigest()[:16]


def standing_now(ws: Workspace) -> gpd.GeoDataFrame:
    """Return the villages that stand on the day of the last report."""
    villages = ws.read("villages")
    if villages[["valid_from", "valid_to"]].isna().all(axis=None):
        return villages
    last = ws.read("incidents", only=["reported_at"])["reported_at"].max()
    return villages if pd.isna(last) else standing(villages, last)


def draw_tiles(
    study: Study,
    tables: Mapping[str, gpd.GeoDataFrame],
    folder: Path,
    *,
    key: str = "",
    progress: Progress = silent,
) -> TileSet:
    """Draw all tiles of a study into a new folder; tiles without anything on them are left out."""
    mpl.use("Agg")
    boundary = mercator(study.boundary_frame()).geometry.iloc[0]
    frame = _frame(boundary)
    ground = Ground.of(tables, boundary)
    zooms = zoom_levels(frame)
    blocks = [(zoom, block) for zoom in zooms for block in _blocks(frame, zoom)]
    weight = np.cumsum([(block[2] - block[0]) * (block[3] - block[1]) for _, block in blocks])
    folder.mkdir(parents=True)
    drawn = 0
    saving: Iterator[int] = iter(())
    with ThreadPoolExecutor(
        2
    ) as pool:  # encoding runs beside drawing the next block: Pillow lets go of the interpreter
        for (zoom, block), done in zip(blocks, weight, strict=True):
            picture = draw_block(ground, zoom, block)
            drawn += sum(saving)
            saving = pool.map(_save, list(_cut(picture, zoom, block, folder)))
            progress("map.step.tiles", float(done / weight[-1]))
        drawn += sum(saving)
    found = TileSet(key, *_degrees(frame), zooms[0], zooms[-1], drawn)
    (folder / "map.json").write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def zoom_levels(frame: Sequence[float]) -> list[int]:
    """Return the zooms to draw: from the one that shows the whole town to the finest the number of tiles allows."""
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    fits = min(FIRST_VIEW_PX[0] / width, FIRST_VIEW_PX[1] / height) * EARTH_M / TILE_PX
    first = max(0, min(math.floor(math.log2(fits)), FINEST_ZOOM))
    zooms, tiles = [first], 0
    for zoom in range(first, FINEST_ZOOM + 1):
        west, north, east, south = _tile_range(frame, zoom)
        tiles += (east - west) * (south - north)
        if tiles > MOST_TILES:
            break
        zooms.append(zoom)
    return sorted(set(zooms))


def _frame(boundary: shapely.Geometry) -> tuple[float, float, float, float]:
    west, south, east, north = boundary.bounds
    margin = MARGIN * max(east - west, north - south)
    return west - margin, south - margin, east + margin, north + margin


def _degrees(frame: Sequence[float]) -> tuple[float, float, float, float]:
    box = gpd.GeoSeries([shapely.box(*frame)], crs="EPSG:3857").to_crs(WGS84)
    west, south, east, north = (float(value) for value in box.total_bounds)
    return west, south, east, north


def _tile_range(frame: Sequence[float], zoom: int) -> Block:
    side = EARTH_M / 2**zoom
    west, north = math.floor((frame[0] + EARTH_M / 2) / side), math.floor((EARTH_M / 2 - frame[3]) / side)
    east, south = math.ceil((frame[2] + EARTH_M / 2) / side), math.ceil((EARTH_M / 2 - frame[1]) / side)
    return west, north, east, south


def _blocks(frame: Sequence[float], zoom: int) -> Iterator[Block]:
    west, north, east, south = _tile_range(frame, zoom)
    step = BLOCK_TILES // density(zoom)
    for top in range(north, south, step):
        for left in range(west, east, step):
            yield left, top, min(left + step, east), min(top + step, south)


def _cut(picture: Image.Image, zoom: int, block: Block, folder: Path) -> Iterator[tuple[Image.Image, Path]]:
    side = TILE_PX * density(zoom)
    west, north, east, south = block
    for x in range(west, east):
        (folder / str(zoom) / str(x)).mkdir(parents=True, exist_ok=True)
        for y in range(north, south):
            left, top = (x - west) * side, (y - north) * side
            yield picture.crop((left, top, left + side, top + side)), folder / str(zoom) / str(x) / f"{y}.webp"


def _save(cut: tuple[Image.Image, Path]) -> int:
    """Save one tile and return 1, or 0 for bare paper, which needs no file."""
    tile, path = cut
    if len(tile.getcolors(1) or []) == 1:
        return 0
    tile.save(path, "WEBP", quality=WEBP_QUALITY, method=2)
    return 1


def _read_head(folder: Path) -> TileSet | None:
    path = folder / "map.json"
    try:
        return TileSet(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:  # newer tiles may just have taken its place
        return None


def _drop_others(folder: Path, key: str) -> None:
    for other in folder.iterdir():
        if other.is_dir() and other.name != key:
            shutil.rmtree(other, ignore_errors=True)
