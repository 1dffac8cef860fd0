"""Reports and their exports as stored: the bytes live in the database, because disks of a PaaS do not last."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen


class StoredReport(Frozen):
    """One report: the view model it was made from and its Markdown."""

    report_id: str
    report_type: str = Field(description="asset, comparison, portfolio, market_overview, weekly, multi_ai")
    tickers: tuple[str, ...] = ()
    portfolio_id: str | None = None
    language: str = "pt-BR"
    ai_provider: str | None = None
    generated_at: AwareDatetime
    sandbox: bool = False
    kept: bool = Field(default=False, description="a person keeps it: cleaning up never touches it")
    view: dict[str, Any] = Field(default_factory=dict, repr=False)
    content: str = Field(default="", repr=False, description="Markdown")


class ReportExport(Frozen):
    """One file made from a report; `body` is None where only the listing was asked for."""

    report_id: str
    format: str = Field(description="pdf, html, markdown, json")
    include_charts: bool = True
    filename: str
    content_type: str
    sha256: str
    size: int
    exported_at: AwareDatetime
    body: bytes | None = Field(default=None, repr=False)
