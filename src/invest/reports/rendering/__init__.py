"""A report view as HTML, Markdown, PDF, and as an exported file."""

from __future__ import annotations

from invest.reports.rendering.export import ExportedFile, UnknownFormat, export_view
from invest.reports.rendering.html import render_html
from invest.reports.rendering.markdown import render_markdown
from invest.reports.rendering.pdf import RenderFailed, render_pdf

__all__ = [
    "ExportedFile",
    "RenderFailed",
    "UnknownFormat",
    "export_view",
    "render_html",
    "render_markdown",
    "render_pdf",
]
