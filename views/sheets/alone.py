"""A drawing alone on a page of its own size, for what holds it: a Word document, or a sheet with its words and frame.

In:     a drawing in SVG with its words.
Out:    PNG or PDF bytes, set by the same typst that sets the sheets.
"""

from dataclasses import asdict

from views.sheets.content import Picture
from views.sheets.frame import compiled

PICTURE_PPI = 200.0


def png_of(picture: Picture) -> bytes:
    """Return a drawing as PNG."""
    return compiled("alone.typ", asdict(picture), format="png", ppi=PICTURE_PPI)[0]


def pdf_of(picture: Picture) -> bytes:
    """Return a drawing as one page of PDF, vectors as they are.

    A book holds its maps so: as SVG each would stay laid out, 14 MB a zone, until the whole book is set.
    """
    return compiled("alone.typ", asdict(picture), format="pdf")[0]
