"""A drawing as a picture, for documents that typst does not set.

In:     a drawing in SVG with its words.
Out:    PNG bytes, set by the same typst that sets the PDF.
"""

from dataclasses import asdict

from views.sheets.content import Picture
from views.sheets.frame import compiled

PICTURE_PPI = 200.0


def png_of(picture: Picture) -> bytes:
    """Return a drawing as PNG."""
    return compiled("alone.typ", asdict(picture), format="png", ppi=PICTURE_PPI)[0]
