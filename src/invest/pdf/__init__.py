"""The text of PDFs: brokers' notes and the documents of programmes of receipts."""

from __future__ import annotations

from invest.pdf.text import PdfRefused, pdf_text, text_in_pieces

__all__ = ["PdfRefused", "pdf_text", "text_in_pieces"]
