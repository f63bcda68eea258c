"""Reading printed sheets back: millimetres, words, marks and codes of a PDF's pages."""

import ctypes
import re

import numpy as np
import pypdfium2.raw as pdfium

from views.sheets import frame

from .qr_reader import read_qr

PT_PER_MM = 72 / 25.4
CODE_DPI = 300


def scale_of(page):
    return int(re.search(r"1:([\d,]+)", page.extract_text()).group(1).replace(",", ""))


def village_marks(page):
    """Middles (mm) of the signs of villages on the map: white discs with a dark edge of 0.35 mm."""
    edge = max((rect for rect in page.rects if rect["stroke"]), key=lambda rect: rect["width"] * rect["height"])
    boxes = [
        np.array([disc["x0"], disc["top"], disc["x1"], disc["bottom"]]) for disc in page.curves
        if disc["stroke"] and disc["fill"] and np.allclose(disc["non_stroking_color"], 1)
        and abs(disc["linewidth"] / PT_PER_MM - 0.35) < 0.01
        and disc["bottom"] < edge["bottom"] and disc["x1"] < edge["x1"]
    ]  # fmt: skip
    return [(box[:2] + box[2:]) / 2 / PT_PER_MM for box in boxes if abs((box[2] - box[0]) / PT_PER_MM - 2.2) < 0.3]


def words_of(*pages):
    """All words in the order they were set, without spaces: a line may break anywhere."""
    return "".join(char["text"] for page in pages for char in page.chars).replace(" ", "")


def said(sentence, *pages):
    return sentence.replace(" ", "") in words_of(*pages)


def code_on(page, *, is_map):
    """The words of the page's QR code, read from a picture of the page."""
    picture = np.array(page.to_image(resolution=CODE_DPI).original.convert("L"))
    px = CODE_DPI / 25.4
    size = round(17 * px)
    left = round((page.width / PT_PER_MM - frame.MARGIN - 17) * px)
    top = round((page.height / PT_PER_MM - (frame.MAP_FOOT if is_map else frame.TEXT_FOOT - 2.6)) * px)
    return read_qr(picture[top : top + size, left : left + size])


# ---- the same on a page of pypdfium2, a hundred times faster where a book has many maps ----


def marks_on(page):
    """Middles (mm, y upwards) of the signs of villages inside the map's frame."""
    shapes = list(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH]))
    boxes = np.array([_bounds(shape) for shape in shapes]) / PT_PER_MM
    sizes = boxes[:, 2:] - boxes[:, :2]
    plain = np.array([pdfium.FPDFPath_CountSegments(shape) <= 5 for shape in shapes])  # of all rectangles the largest
    left, bottom, right, top = boxes[np.argmax(sizes.prod(axis=1) * plain)]
    found = []
    for shape, box, size in zip(shapes, boxes, sizes, strict=True):
        inside = left < box[0] and box[2] < right and bottom < box[1] and box[3] < top
        if inside and abs(size[0] - size[1]) < 0.05 and 2.5 < size[0] < 3.1 and _fill_of(shape) == [255, 255, 255]:
            found.append((box[:2] + box[2:]) / 2)
    return np.array(found)


def boxes_of(text_page, names):
    """Boxes (left, bottom, right, top, points) of each place where a name stands; not inside a longer one."""
    found, taken = {name: [] for name in names}, set()
    for name in sorted(names, key=len, reverse=True):
        searcher = text_page.search(name, match_case=True)
        while (place := searcher.get_next()) is not None:
            letters = range(place[0], place[0] + place[1])
            if taken.isdisjoint(letters):
                taken.update(letters)
                boxes = np.array([text_page.get_charbox(letter) for letter in letters])
                found[name].append((*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)))
    return found


def letter_boxes(page):
    """Boxes (left, bottom, right, top, mm) of all letters on a page that leave a mark."""
    text_page = page.get_textpage()
    boxes = [text_page.get_charbox(k) for k in range(text_page.count_chars())]
    return np.array([box for box in boxes if box[2] > box[0]]) / PT_PER_MM


def _bounds(shape):
    """Return a shape's box on the page (points), through all drawings that it lies in."""
    box, holder = shape.get_bounds(), shape.container
    while holder is not None:
        box, holder = holder.get_matrix().on_rect(*box), holder.container
    return box


def _fill_of(shape):
    colour = [ctypes.c_uint() for _ in range(4)]
    pdfium.FPDFPageObj_GetFillColor(shape, *colour)
    return [part.value for part in colour[:3]]
