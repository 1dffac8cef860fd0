"""The text of a PDF line by line, as it stands on the page. A stranger's bytes: run it in a child (`invest.isolated`).

It loads nothing but the reader of PDFs: a child that reads one page should not take longer to start than to read. The
bounds are generous for a document and small for a machine: pages, pieces of text and characters are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_PAGES = 60
MAX_PIECES = 20_000  # of a page: a broker's note has a few hundred
MAX_CHARACTERS = 1_000_000
SAME_LINE = 3.0  # points between the middles of two texts of one line


class PdfRefused(ValueError):
    """A PDF that cannot be read, or has no text: why, in words that follow "the PDF"."""


def text_in_pieces(data: bytes) -> Iterator[str]:
    """`pdf_text` for the child: the text in one piece. Raises `PdfRefused`."""
    yield pdf_text(data)


def pdf_text(data: bytes) -> str:
    """The text of a PDF, line by line from the top of each page. Raises `PdfRefused` for one without any."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        try:
            lines = _lines(document)
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:  # of the file, or of one page whose part of it is damaged
        locked = "password" in str(error).lower()
        raise PdfRefused("is locked with a password" if locked else "is damaged") from None
    text = "\n".join(lines)
    if not text.strip():
        raise PdfRefused("holds pictures and no text")
    if len(text) > MAX_CHARACTERS:
        raise PdfRefused(f"holds more than {MAX_CHARACTERS:,} characters")
    return text


def _lines(document: Any) -> list[str]:
    """The lines of all pages."""
    if len(document) > MAX_PAGES:
        raise PdfRefused(f"has {len(document)} pages, of which at most {MAX_PAGES} are read")
    return [line for number in range(len(document)) for line in _page(document[number])]


def _page(page: Any) -> list[str]:
    """The lines of one page: pieces of text at one height, from left to right."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_rects()
        if count > MAX_PIECES:
            raise PdfRefused(f"has a page of more than {MAX_PIECES:,} pieces of text")
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
