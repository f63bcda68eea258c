"""Sheets as Word documents, for what a station edits: the same pages as the PDF, with the same marks.

In:     text pages and the imprint.
Out:    a .docx whose header carries title and marks, and whose footer carries page number, imprint and QR code.
"""

import datetime
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import docx
import segno
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph

from views.sheets.content import Block, Columns, Facts, Heading, Picture, Table, TextPage, Words
from views.sheets.frame import PAPERS
from views.sheets.imprint import Imprint
from views.sheets.raster import png_of

LATIN, EAST_ASIAN = "Calibri", "SimSun"
QR_MM, MARGIN_MM, FORM_ROWS_MM = 16, 18, 8
EPOCH = datetime.datetime(2000, 1, 1)


def write_docx(imprint: Imprint, title: str, pages: Iterable[TextPage], path: Path) -> Path:
    """Write text pages as one document and return its path."""
    document = docx.Document()
    _dress(document, title, imprint)
    for number, page in enumerate(pages):
        section = document.sections[0] if number == 0 else document.add_section()
        short, long = PAPERS[page.paper]
        section.orientation = WD_ORIENT.LANDSCAPE if page.lying else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = (Mm(long), Mm(short)) if page.lying else (Mm(short), Mm(long))
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(MARGIN_MM)
        document.add_heading(page.title, level=1)
        if page.subtitle:
            document.add_paragraph(page.subtitle)
        for block in page.blocks:
            _add(document, block)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    document.save(str(draft))
    draft.replace(path)
    return path


def _dress(document: Document, title: str, imprint: Imprint) -> None:
    """Set fonts, properties, header and footer."""
    properties = document.core_properties
    properties.title, properties.author, properties.created, properties.modified = title, "", EPOCH, EPOCH
    for name in ("Normal", "Heading 1", "Heading 2"):
        style: Any = document.styles[name]
        style.font.name = LATIN
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), EAST_ASIAN)
    normal: Any = document.styles["Normal"]
    normal.font.size = Pt(10.5)
    words = imprint.words()
    header = document.sections[0].header.paragraphs[0]
    header.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    header.add_run("  ".join(mark for mark in (words["synthetic"], words["secrecy"]) if mark)).bold = True
    _footer(document.sections[0].footer.paragraphs[0], imprint, words)


def _footer(paragraph: Paragraph, imprint: Imprint, words: Mapping[str, Any]) -> None:
    code = io.BytesIO()
    segno.make(imprint.code, error="m", micro=False).save(code, kind="png", scale=8)
    paragraph.add_run().add_picture(code, width=Mm(QR_MM))
    before, _, rest = words["page"].partition("{number}")
    between, _, after = rest.partition("{count}")
    for part in (f"  {before}", "PAGE", between, "NUMPAGES", after):
        _field(paragraph, part) if part.isupper() and part.isascii() else paragraph.add_run(part)
    lines = [*words["foot"]["left"], *words["foot"]["right"]]
    paragraph.add_run("  " + "  ".join(lines)).font.size = Pt(8)


def _field(paragraph: Paragraph, name: str) -> None:
    """Add a field that Word fills in: the page's number, or how many there are."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    paragraph._p.append(field)


def _add(document: Any, block: Block) -> None:  # noqa: ANN401 - a document or a cell
    if isinstance(block, Heading):
        document.add_heading(block.words, level=2) if hasattr(document, "add_heading") else _bold(document, block.words)
    elif isinstance(block, Words):
        document.add_paragraph().add_run(block.words).bold = block.strong or None
    elif isinstance(block, Facts):
        for name, value in block.rows:
            paragraph = document.add_paragraph()
            paragraph.paragraph_format.space_after = Pt(0)
            paragraph.add_run(f"{name}  ")
            paragraph.add_run(value).bold = True
    elif isinstance(block, Picture):
        document.add_paragraph().add_run().add_picture(io.BytesIO(png_of(block)), width=Mm(block.width_mm))
    elif isinstance(block, Columns):
        for part in (one for group in block.groups for one in group):
            _add(document, part)
    else:
        _table(document, block)


def _bold(cell: Any, words: str) -> None:  # noqa: ANN401
    cell.add_paragraph().add_run(words).bold = True


def _table(document: Any, block: Table) -> None:  # noqa: ANN401
    if not block.rows:
        document.add_paragraph(block.empty)
        return
    table = document.add_table(rows=1, cols=len(block.head), style="Table Grid")
    for cell, words in zip(table.rows[0].cells, block.head, strict=True):
        cell.paragraphs[0].add_run(words).bold = True
    _repeat(table.rows[0])
    for row in block.rows:
        line = table.add_row()
        if block.row_mm:
            line.height = Mm(max(block.row_mm, FORM_ROWS_MM))
        for column, (cell, words) in enumerate(zip(line.cells, row, strict=True)):
            cell.paragraphs[0].add_run(words)
            if column in block.numbers:
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph()


def _repeat(row: Any) -> None:  # noqa: ANN401
    """Repeat a table's heading on every page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
