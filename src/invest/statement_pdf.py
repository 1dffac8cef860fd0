"""A broker's note as PDF: its text, then as any other statement. A stranger's bytes: run it in a child."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from invest.domain.brokerage import Statement, StatementRefused
from invest.domain.brokerage import read_in_pieces as read_text_in_pieces
from invest.pdf import PdfRefused, pdf_text

MAGIC = b"%PDF"
# What to do about each reason for which a PDF is refused.
REMEDIES = (
    ("password", "save it again without one"),
    ("damaged", "download it again"),
    ("no text", "ask the broker for the original file"),
)


def read_in_pieces(data: bytes, **given: Any) -> Iterator[Statement]:
    """`read_statement` for any file, a PDF's text first taken from it. Raises `StatementRefused`."""
    yield from read_text_in_pieces(text_of(data).encode() if data.startswith(MAGIC) else data, **given)


def text_of(data: bytes) -> str:
    """`pdf_text`, refused in words for who brought the file. Raises `StatementRefused`."""
    try:
        return pdf_text(data)
    except PdfRefused as error:
        why = str(error)
        remedy = next((remedy for word, remedy in REMEDIES if word in why), "split it")
        raise StatementRefused(f"the PDF {why}: {remedy}") from None
