"""Raw files become accepted rows, rows set aside with a reason, and refused files."""

from gis_data.intake.class_words import files_to_read
from gis_data.intake.door import import_files, make_workspace, new_workspace
from gis_data.intake.report import FileReport, ImportReport
from gis_data.intake.store import purge_originals
from gis_data.intake.undo import Undone, to_undo, undo_import

__all__ = [
    "FileReport", "ImportReport", "Undone", "files_to_read", "import_files", "make_workspace", "new_workspace",
    "purge_originals", "to_undo", "undo_import",
]  # fmt: skip
