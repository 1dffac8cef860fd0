"""A view as a file: bytes, media type and a safe name."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from invest.errors import InvestError
from invest.reports.rendering.html import render_html
from invest.reports.rendering.markdown import render_markdown
from invest.reports.rendering.pdf import render_pdf
from invest.reports.rendering.workbook import render_csv, render_xlsx
from invest.reports.views import ReportView

Format = Literal["pdf", "markdown", "html", "xlsx", "csv", "json"]
_KINDS: Final[dict[str, tuple[str, str]]] = {
    "pdf": ("pdf", "application/pdf"),
    "markdown": ("md", "text/markdown; charset=utf-8"),
    "html": ("html", "text/html; charset=utf-8"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "json": ("json", "application/json"),
}


class UnknownFormat(InvestError):
    """A format that no report is written in."""


class ExportedFile(NamedTuple):
    """A rendered report."""

    body: bytes
    media_type: str
    name: str


def export_view(view: ReportView, format: str, *, include_charts: bool = True) -> ExportedFile:  # noqa: A002 - the contract's name
    """`view` as `pdf`, `markdown`, `html`, `json`, or its tables as `xlsx` or `csv`. CPU-bound: call it in a thread.

    Raises `UnknownFormat` for anything else.
    """
    if format not in _KINDS:
        raise UnknownFormat(f"no report format {format!r}; there are {', '.join(_KINDS)}")
    extension, media_type = _KINDS[format]
    match format:
        case "pdf":
            body = render_pdf(view, charts=include_charts)
        case "html":
            body = render_html(view, charts=include_charts).encode()
        case "xlsx":
            body = render_xlsx(view)
        case "csv":
            body = render_csv(view).encode()
        case "markdown":
            body = render_markdown(view, charts=include_charts).encode()
        case _:
            body = view.model_dump_json(indent=1).encode()
    return ExportedFile(body, media_type, f"{file_stem(view)}.{extension}")


def file_stem(view: ReportView) -> str:
    """`asset-PETR4-2026-03-31-r_01KAZ3`: letters, digits, dots, dashes and underscores only."""
    subject = getattr(view, "ticker", None) or getattr(view, "market", None) or ""
    parts = (view.report_type, subject, f"{view.generated_at:%Y-%m-%d}", view.report_id)
    words = (re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-")[:60] for part in parts)
    return "-".join(word for word in words if word)
