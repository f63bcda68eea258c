"""What a page can be taken away as: its tables as a spreadsheet or CSV, its map as a picture or a GeoPackage.

In:     finished tables of words, and layers with their geometry.
Out:    bytes. Layers hold places (zones, beats, hotspots, cells, cameras), never single incidents.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pandas as pd

from gis_data.study import Study
from views.workbook import bytes_of, workbook, write_value

WIDTHS = (8.0, 60.0)
FORBIDDEN = dict.fromkeys(map(ord, "[]:*?/\\"), " ")


def tables_xlsx(tables: Mapping[str, pd.DataFrame], study: Study) -> bytes:
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


def layers_gpkg(layers: Mapping[str, gpd.GeoDataFrame], study: Study) -> bytes:
    """Return layers as one GeoPackage in the study's metre CRS, with the credit that they carry."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "map.gpkg"
        for name, layer in layers.items():
            plain = layer.copy()
            for column in plain.columns.drop(plain.geometry.name):
                if plain[column].dtype == object:
                    plain[column] = plain[column].astype("str")
            plain["credit"] = study.credit
            plain.to_file(path, layer=name, driver="GPKG")
        return path.read_bytes()
