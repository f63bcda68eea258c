"""Pages of a thick book, finished a few at a time: the book's memory does not grow with its pages.

In:     pages as ``content`` has them, and the imprint.
Out:    the same pages finished but for their number, which is set when all are bound (``content.write_sheets``).
Method: typst keeps all that it has laid out (13 MB for the back of a full zone) until the whole document is made. So a
        lot of pages is made as a PDF of its own, from which a book takes finished pages. Pages of one lot share their
        fonts: lots of a single page would weigh twice as much.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from views.sheets.content import BoundPage, MapPage, TextPage, as_data
from views.sheets.frame import compiled, forget
from views.sheets.imprint import Imprint

LOT = 8
_PAGE = re.compile(rb"/Type\s*/Page\b")


def bound(imprint: Imprint, pages: Iterable[TextPage | MapPage]) -> Iterator[BoundPage]:
    """Yield pages finished but for their number; one that flowed on yields all its parts."""
    waiting = iter(pages)
    while lot := tuple(islice(waiting, LOT)):
        made = _made(imprint, lot)
        if len(_PAGE.findall(made)) == len(lot):
            yield from (BoundPage(page, made, part) for part, page in enumerate(lot, start=1))
        else:
            for page in lot:
                alone = _made(imprint, (page,))
                yield from (
                    BoundPage(page, alone, part + 1, further=part > 0) for part in range(len(_PAGE.findall(alone)))
                )
        forget()


def page_count(imprint: Imprint, pages: Sequence[TextPage | MapPage]) -> int:
    """Return how many pages of paper some pages take."""
    return len(_PAGE.findall(_made(imprint, tuple(pages))))


def _made(imprint: Imprint, lot: tuple[TextPage | MapPage, ...]) -> bytes:
    data, files = as_data(imprint, lot)
    return compiled("sheets.typ", data | {"title": "", "numbered": False}, files=files, format="pdf")[0]
