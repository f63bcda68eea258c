"""Raw files become accepted rows, rows set aside with a reason, and refused files."""

from gis_data.intake.door import import_files, make_workspace, new_workspace
from gis_data.intake.report import FileReport, ImportReport

__all__ = ["FileReport", "ImportReport", "import_files", "make_workspace", "new_workspace"]
