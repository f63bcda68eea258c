"""Camera filing list (监控备案表): each camera with what article 14 of State Council Order 799 asks for.

In:     the plan "cameras".
Out:    lying pages that flow on; the columns to fill in stay empty. The spreadsheet holds all columns.
"""

from typing import Any

from gis_data.catalogue import text
from gis_data.study import Study
from models.plan import Plan
from views.camera_book import filing_rows
from views.sheets.content import Table, TextPage, Words

COLUMNS = (
    "camera_id", "village", "site_kind", "lon", "lat", "type", "azimuth", "purpose", "basis", "retention", "unit",
    "filed_on", "sign_up",
)  # fmt: skip
WIDTHS = (0, 0, 0, 0, 0, 0, 0, 3, 5, 0, 2, 2, 2)
NUMBERS = (3, 4, 6, 9)
FORMS = {"lon": "{:.6f}", "lat": "{:.6f}", "azimuth": "{:.0f}"}


def filing_pages(plan: Plan, study: Study) -> tuple[TextPage, ...]:
    """Return the list."""
    rows = tuple(tuple(_cell(row, name) for name in COLUMNS) for row in filing_rows(plan))
    head = tuple(text(f"camera_book.column.{name}") for name in COLUMNS)
    table = Table(head, rows, WIDTHS, NUMBERS, empty=text("page.empty"))
    help_ = (Words(text(f"camera_book.{line}"), quiet=True) for line in ("filing_help", "masks_help", "secret_help"))
    return (TextPage(text("filing.title", town=study.name), (*help_, table), lying=True, letters_pt=7.5),)


def _cell(row: dict[str, Any], name: str) -> str:
    return FORMS.get(name, "{}").format(row[name])
