"""Sheets as Word documents, for what a station edits: the same pages as the PDF, with the same marks.

In:     text pages and the imprint.
Out:    a .docx whose header carries title and marks, and whose footer carries page number, imprint and QR code.
"""

import datetime
import io
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import docx
import segno
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from gis_data.catalogue import language
from views.sheets.alone import png_of
from views.sheets.content import Block, Columns, Facts, Heading, Picture, Table, TextPage, Words
from views.sheets.imprint import Imprint

LATIN, EAST_ASIAN, LANGUAGES = "Calibri", "SimSun", {"zh": "zh-CN", "en": "en-GB"}
QR_MM, MARGIN_MM, FORM_ROWS_MM = 16.0, 18.0, 7.0
LETTERS_PT, CELL_PT, SMALL_PT, SPACE_PT = 10.5, 9.0, 8.0, 4.0
CELL_MARGIN_MM = 4.2  # Word keeps 1.9 mm free on either side
LEAST_SHARE_MM, WIDEST_PLAIN = 11.0, 0.32
EPOCH = datetime.datetime(2000, 1, 1)


def write_docx(imprint: Imprint, title: str, pages: Iterable[TextPage], path: Path) -> Path:
    """Write text pages as one document and return its path."""
    document = docx.Document()
    _dress(document, title)
    for number, page in enumerate(pages):
        if number == 0:
            _lay_out(document.sections[0], imprint, page)
        document.add_heading(page.title, level=1).paragraph_format.page_break_before = number > 0
        if page.subtitle:
            document.add_paragraph(page.subtitle)
        for block in page.blocks:
            _add(document, block, page.size[0] - 2 * MARGIN_MM)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    document.save(str(draft))
    draft.replace(path)
    return path


def _dress(document: Document, title: str) -> None:
    """Set properties, fonts and spaces; in one ink, and in the language that decides how Chinese signs look."""
    properties = document.core_properties
    properties.title, properties.author, properties.created, properties.modified = title, "", EPOCH, EPOCH
    document.styles.add_style("Cell", WD_STYLE_TYPE.PARAGRAPH).base_style = document.styles["Normal"]
    for name, size_pt, before_pt, after_pt in (
        ("Normal", LETTERS_PT, 0, 4), ("Cell", CELL_PT, 0, 0), ("Heading 1", 16, 0, 4), ("Heading 2", 12, 9, 3),
    ):  # fmt: skip
        style: Any = document.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = LATIN, Pt(size_pt), RGBColor(0, 0, 0)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before_pt), Pt(after_pt)
        style.paragraph_format.line_spacing = 1.0
        run = style.element.get_or_add_rPr()
        fonts = run.get_or_add_rFonts()
        for theme in [key for key in fonts.attrib if key.endswith("Theme")]:  # it would win over the fonts' names
            del fonts.attrib[theme]
        fonts.set(qn("w:eastAsia"), EAST_ASIAN)
        spoken = OxmlElement("w:lang")
        for key in ("w:val", "w:eastAsia"):
            spoken.set(qn(key), LANGUAGES["zh"] if key == "w:eastAsia" else LANGUAGES[language()])
        run.append(spoken)


def _lay_out(section: Any, imprint: Imprint, page: TextPage) -> None:  # noqa: ANN401 - python-docx has no types
    """Set paper, margins, and the header and footer that every page carries; all pages are as the first."""
    (width, height), width_mm = page.size, page.size[0] - 2 * MARGIN_MM
    section.orientation = WD_ORIENT.LANDSCAPE if page.lying else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(MARGIN_MM)
    section.header_distance = section.footer_distance = Mm(MARGIN_MM / 2)
    words = imprint.words()
    header = section.header.paragraphs[0]
    header.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    header.add_run("  ".join(mark for mark in (words["synthetic"], words["secrecy"]) if mark)).bold = True
    table = section.footer.add_table(1, 2, Mm(width_mm))
    code, said = table.rows[0].cells
    _set_widths(table, [QR_MM + CELL_MARGIN_MM, width_mm - QR_MM - CELL_MARGIN_MM])
    picture = io.BytesIO()
    segno.make(imprint.code, error="m", micro=False).save(picture, kind="png", scale=8)
    code.paragraphs[0].add_run().add_picture(picture, width=Mm(QR_MM))
    said.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    _page_number(said.paragraphs[0], words["page"])
    for line in (*words["foot"]["left"], *words["foot"]["right"]):
        said.add_paragraph(style="Cell").add_run(line).font.size = Pt(SMALL_PT)


def _page_number(paragraph: Paragraph, words: str) -> None:
    before, _, rest = words.partition("{number}")
    between, _, after = rest.partition("{count}")
    for part in (before, "PAGE", between, "NUMPAGES", after):
        _field(paragraph, part) if part.isupper() and part.isascii() else paragraph.add_run(part)


def _field(paragraph: Paragraph, name: str) -> None:
    """Add a field that Word fills in: the page's number, or how many there are."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    paragraph._p.append(field)


def _add(document: Document, block: Block, width_mm: float) -> None:
    if isinstance(block, Heading):
        document.add_heading(block.words, level=2)
    elif isinstance(block, Words):
        paragraph = document.add_paragraph()
        paragraph.add_run(block.words).bold = block.strong or None
        paragraph.paragraph_format.keep_with_next = block.strong or None
    elif isinstance(block, Facts):
        _facts(document, block, width_mm)
    elif isinstance(block, Picture):
        picture = io.BytesIO(png_of(block))
        document.add_paragraph().add_run().add_picture(picture, width=Mm(min(block.width_mm, width_mm)))
    elif isinstance(block, Columns):
        for part in (one for group in block.groups for one in group):
            _add(document, part, width_mm)
    else:
        _table(document, block, width_mm)


def _facts(document: Document, block: Facts, width_mm: float) -> None:
    """Names and values side by side; a blank to fill in is a cell with a line below it."""
    lines = [block.rows[start : start + block.columns] for start in range(0, len(block.rows), block.columns)]
    table = document.add_table(rows=len(lines), cols=2 * block.columns)
    for row, line in zip(table.rows, lines, strict=True):
        if any(_is_blank(value) for _, value in line):
            row.height = Mm(FORM_ROWS_MM)
        for at, (name, value) in enumerate(line):
            _cell(row.cells[2 * at], name)
            if _is_blank(value):
                _underline(row.cells[2 * at + 1])
            else:
                _cell(row.cells[2 * at + 1], value, bold=True)
    names = [max(_width_mm(line[at][0]) for line in lines if at < len(line)) for at in range(block.columns)]
    room = max((width_mm - sum(names)) / block.columns, LEAST_SHARE_MM)
    _set_widths(table, [width for name in names for width in (name, room)])
    _space(document)


def _table(document: Document, block: Table, width_mm: float) -> None:
    if not block.rows:
        document.add_paragraph(block.empty)
        return
    table = document.add_table(rows=1, cols=len(block.head), style="Table Grid")
    for cell, words in zip(table.rows[0].cells, block.head, strict=True):
        _cell(cell, words, bold=True)
    _repeat(table.rows[0])
    for row in block.rows:
        line = table.add_row()
        if block.row_mm:
            line.height = Mm(block.row_mm)
        for column, (cell, words) in enumerate(zip(line.cells, row, strict=True)):
            _cell(cell, words, right=column in block.numbers)
    _set_widths(table, _widths(block, width_mm))
    _space(document)


def _space(document: Document) -> None:
    document.add_paragraph(style="Cell").add_run(" ").font.size = Pt(SPACE_PT)


def _cell(cell: Any, words: str, *, bold: bool = False, right: bool = False) -> None:  # noqa: ANN401
    paragraph = cell.paragraphs[0]
    paragraph.style = "Cell"
    paragraph.add_run(words).bold = bold or None
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else None
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER


def _widths(block: Table, width_mm: float) -> list[float]:
    """Return the columns' widths as the PDF has them: as wide as their words (share 0), the others by their shares."""
    shares = block.widths or (1.0,) * len(block.head)
    lines = (block.head, *block.rows)
    plain = [
        0.0 if share else min(max(_width_mm(line[at]) for line in lines), WIDEST_PLAIN * width_mm)
        for at, share in enumerate(shares)
    ]
    room = max(width_mm - sum(plain), LEAST_SHARE_MM * sum(shares))
    wanted = [
        max([room * share / sum(shares), *map(_width_mm, name.split())]) if share else own
        for name, share, own in zip(block.head, shares, plain, strict=True)
    ]
    return [width * width_mm / sum(wanted) for width in wanted]


def _width_mm(words: str) -> float:
    """Return about how wide a cell must be for its words to stay on one line: a Latin letter is half a Chinese one."""
    ems = sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.63 for sign in words)
    return ems * CELL_PT * 25.4 / 72 + CELL_MARGIN_MM


def _set_widths(table: Any, widths_mm: Sequence[float]) -> None:  # noqa: ANN401
    table.autofit = False
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)


def _is_blank(words: str) -> bool:
    return bool(words) and not words.strip("＿")


def _underline(cell: Any) -> None:  # noqa: ANN401
    borders, below = OxmlElement("w:tcBorders"), OxmlElement("w:bottom")
    for key, value in (("w:val", "single"), ("w:sz", "6"), ("w:space", "0"), ("w:color", "000000")):
        below.set(qn(key), value)
    borders.append(below)
    cell._tc.get_or_add_tcPr().append(borders)


def _repeat(row: Any) -> None:  # noqa: ANN401
    """Repeat a table's heading on every page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
