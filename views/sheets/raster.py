"""Pictures of sheets: a drawing for Word, and a page to look at before it is printed.

In:     a drawing in SVG, or a function that writes a sheet.
Out:    PNG bytes, set by the same typst that sets the PDF.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from views.sheets.content import Picture
from views.sheets.frame import compiled

PICTURE_PPI = 200.0


def png_of(picture: Picture) -> bytes:
    """Return a drawing as PNG."""
    return compiled("alone.typ", asdict(picture), format="png", ppi=PICTURE_PPI)[0]


def preview(write: Callable[[Path], Path]) -> list[bytes]:
    """Return the pages of a sheet as PNG; ``write`` writes the sheet in the format its path asks for."""
    with TemporaryDirectory() as folder:
        written = write(Path(folder) / "page.png")
        return [path.read_bytes() for path in sorted(written.parent.glob("*.png"))]
