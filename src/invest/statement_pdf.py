"""A broker's note as PDF: its text line by line, as it stands on the page. A stranger's bytes: run it in a child.

The bounds are generous for a note and small for a machine: pages, pieces of text and characters are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from invest.domain.brokerage import Statement, StatementRefused
from invest.domain.brokerage import read_in_pieces as read_text_in_pieces

MAGIC = b"%PDF"
MAX_PAGES = 60
MAX_PIECES = 20_000  # of a page: a note has a few hundred
MAX_CHARACTERS = 1_000_000
SAME_LINE = 3.0  # points between the middles of two texts of one line


def read_in_pieces(data: bytes, **given: Any) -> Iterator[Statement]:
    """`read_statement` for any file, a PDF's text first taken from it. Raises `StatementRefused`."""
    yield from read_text_in_pieces(pdf_text(data).encode() if data.startswith(MAGIC) else data, **given)


def pdf_text(data: bytes) -> str:
    """The text of a PDF, line by line from the top of each page. Raises `StatementRefused` for one without any."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        try:
            lines = _lines(document)
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:  # of the file, or of one page whose part of it is damaged
        locked = "password" in str(error).lower()
        why = "locked with a password: save it again without one" if locked else "damaged: download it again"
        raise StatementRefused(f"the PDF is {why}") from None
    text = "\n".join(lines)
    if not text.strip():
        raise StatementRefused("the PDF holds pictures and no text: ask the broker for the original file")
    if len(text) > MAX_CHARACTERS:
        raise StatementRefused(f"the PDF holds more than {MAX_CHARACTERS:,} characters: split it")
    return text


def _lines(document: Any) -> list[str]:
    """The lines of all pages."""
    if len(document) > MAX_PAGES:
        raise StatementRefused(f"the PDF has {len(document)} pages, at most {MAX_PAGES} are read: split it")
    return [line for number in range(len(document)) for line in _page(document[number])]


def _page(page: Any) -> list[str]:
    """The lines of one page: pieces of text at one height, from left to right."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_rects()
        if count > MAX_PIECES:
            raise StatementRefused(f"a page of the PDF has more than {MAX_PIECES:,} pieces of text")
        pieces = []
        for at in range(count):
            left, bottom, right, top = textpage.get_rect(at)
            text = textpage.get_text_bounded(left, bottom, right, top).strip()
            if text:
                pieces.append((-(bottom + top) / 2, left, " ".join(text.split())))
    finally:
        textpage.close()
        page.close()
    lines: list[list[tuple[float, str]]] = []
    height = None
    for middle, left, text in sorted(pieces):
        if height is None or middle - height > SAME_LINE:
            lines.append([])
            height = middle
        lines[-1].append((left, text))
    return [" ".join(text for _, text in sorted(line)) for line in lines]
