"""What a page can be taken away as: its tables as a spreadsheet or CSV, its map as a picture or a GeoPackage.

In:     finished tables of words, layers with their geometry, drawings of maps, and documents made for the page.
Out:    a list of files, each made when it is asked for. Layers hold places (zones, beats, hotspots, cells, cameras),
        never single incidents.
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pandas as pd

from gis_data.study import Study
from views.figures import as_csv
from views.workbook import bytes_of, workbook, write_value

WIDTHS = (8.0, 60.0)
FORBIDDEN = dict.fromkeys(map(ord, "[]:*?/\\"), " ")

Tables = Mapping[str, pd.DataFrame]
Layers = Mapping[str, gpd.GeoDataFrame]


@dataclass(frozen=True)
class Download:
    """One file to take away.

    Attributes
    ----------
    label
        Catalogue key of what it is called; ``part`` says of what, where a page has several of its kind.
    file
        Its name.
    make
        Makes its bytes.
    """

    label: str
    file: str
    make: Callable[[], bytes]
    part: str = ""


def downloads_of(
    name: str, study: Study, *, tables: Tables, layers: Layers | Callable[[], Layers],
    pictures: Mapping[str, Callable[[], bytes]],
) -> Iterator[Download]:  # fmt: skip
    """Yield what a page can be taken away as.

    Parameters
    ----------
    name
        Begins the files' names.
    tables
        Tables by heading; those without rows are left out.
    layers
        Layers by name, or what makes them where that takes long; those without rows are left out.
    pictures
        Makers of the maps' pictures, by what each shows ("" for the only one).
    """
    full = {head: table for head, table in tables.items() if len(table)}
    if full:
        yield Download("page.take.xlsx", f"{name}.xlsx", partial(tables_xlsx, full, study))
    if len(full) == 1:
        yield Download("page.take.csv", f"{name}.csv", partial(as_csv, next(iter(full.values()))))
    elif full:
        yield Download("page.take.csv_zip", f"{name}_csv.zip", partial(tables_zip, full))
    for number, (part, picture) in enumerate(pictures.items(), start=1):
        ending = f"_{number}" if len(pictures) > 1 else ""
        yield Download("page.take.png", f"{name}{ending}.png", picture, part)
    if callable(layers) or any(len(layer) for layer in layers.values()):
        yield Download("page.take.gpkg", f"{name}.gpkg", partial(_gpkg, layers, study))


def tables_zip(tables: Tables) -> bytes:
    """Return tables as CSV files in one archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, table) in enumerate(tables.items(), start=1):
            archive.writestr(f"{number}_{name.translate(FORBIDDEN)}.csv", as_csv(table))
    return file.getvalue()


def _gpkg(layers: Layers | Callable[[], Layers], study: Study) -> bytes:
    made = layers() if callable(layers) else layers
    return layers_gpkg({name: layer for name, layer in made.items() if len(layer)}, study)


def tables_xlsx(tables: Tables, study: Study) -> bytes:
    """Return tables as one spreadsheet, a sheet each."""

    def write(path: Path) -> Path:
        with workbook(path, title=study.name, made_on=None) as (book, looks):
            for name, table in tables.items():
                sheet = book.add_worksheet(name.translate(FORBIDDEN)[:31])
                for column, head in enumerate(table.columns):
                    longest = max([len(str(head)), *(len(str(value)) for value in table.iloc[:, column].head(200))])
                    sheet.set_column(column, column, min(max(longest * 1.6, WIDTHS[0]), WIDTHS[1]))
                    write_value(sheet, 0, column, str(head), looks["head"])
                    for row, value in enumerate(table.iloc[:, column], start=1):
                        write_value(sheet, row, column, value, looks["left" if isinstance(value, str) else "cell"])
                sheet.freeze_panes(1, 0)
        return path

    return bytes_of(write)


def layers_gpkg(layers: Layers, study: Study) -> bytes:
    """Return layers as one GeoPackage in the study's metre CRS, with the credit that they carry."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "map.gpkg"
        for name, layer in layers.items():
            # Whoever grouped a layer may have left its key in the index as well.
            plain = layer.reset_index(drop=layer.index.name is None or layer.index.name in layer.columns)
            for column in plain.columns.drop(plain.geometry.name):
                if isinstance(plain[column].dtype, pd.DatetimeTZDtype):  # a GeoPackage knows UTC only: as local words
                    plain[column] = plain[column].dt.strftime("%Y-%m-%d %H:%M").astype("str")
                elif plain[column].dtype == object:
                    plain[column] = plain[column].astype("str")
            plain["credit"] = study.credit
            plain.to_file(path, layer=name, driver="GPKG")
        return path.read_bytes()
