"""Printed sheets: PDF at true scale, one file per sheet, one shared frame.

In:     a workspace and its plans.
Out:    files in the workspace's ``out`` folder. ``products.PRODUCTS`` lists all that can be printed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gis_data.errors import InputError
from gis_data.progress import Progress, silent
from gis_data.workspace import Workspace
from models.plan import Plan
from views.sheets.desk import Desk
from views.sheets.products import PRODUCTS
from views.sheets.quality_sheet import write_quality_sheet
from views.sheets.zone_sheet import write_all_zone_sheets, write_zone_sheet

__all__ = ["PRODUCTS", "SHEETS", "print_all", "write_all_zone_sheets", "write_quality_sheet", "write_zone_sheet"]

SHEETS = tuple(product.key for product in PRODUCTS)


def print_all(
    ws: Workspace,
    plans: Mapping[str, Plan],
    *,
    only: Iterable[str] = (),
    progress: Progress = silent,
) -> list[Path]:
    """Print the named products into the workspace's ``out`` folder and return the files.

    Without names all are printed whose plans are made and whose tables have rows.

    Raises
    ------
    InputError
        If a name is unknown, or a named product lacks a plan or a table.
    """
    wanted = list(only)
    unknown = [name for name in wanted if name not in SHEETS]
    if unknown:
        raise InputError("sheet.unknown", found=", ".join(unknown), known=", ".join(SHEETS))
    desk = Desk.of(ws, plans)
    ready = [product for product in PRODUCTS if product.key in wanted or (not wanted and not product.lacks(desk))]
    for product in ready:
        for name in product.lacks(desk):
            raise InputError("sheet.no_plan" if name in product.plans else "sheet.no_rows", plan=name)
    files = [file for product in ready for file in product.files(desk)]
    written = []
    for done, file in enumerate(files):
        progress("command.step.sheets", done / len(files))
        written.append(file.write(ws.out / file.name))
    progress("command.step.sheets", 1.0)
    ws.log("print", sheets=[product.key for product in ready], files=[path.name for path in written])
    return written
