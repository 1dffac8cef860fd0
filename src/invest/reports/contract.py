"""A view in the contract's shape of a report (its section 4), for callers written for it."""

from __future__ import annotations

from typing import Any, Final

from invest.reports.views import ReportView

_PARTS: Final = (
    "overview",
    "quantitative_analysis",
    "qualitative_analysis",
    "fundamental_data",
    "technical_data",
    "news_summary",
    "final_recommendation",
)
_SUBJECTS: Final = ("tickers", "winner", "portfolio_id", "market")


def contract_report(view: ReportView, content: str) -> dict[str, Any]:
    """{report_id, ticker, generated_at, report_type, ai_provider, overview, …, disclaimers, content}.

    `content` is the Markdown; parts that a kind of report does not have are null. JSON-able.
    """
    contract: dict[str, Any] = getattr(view, "contract", {})
    report: dict[str, Any] = {
        "report_id": view.report_id,
        "ticker": getattr(view, "ticker", None),
        "generated_at": view.generated_at.isoformat(),
        "report_type": view.report_type,
        "ai_provider": contract.get("ai_provider"),
        "language": view.language,
        "sandbox": view.sandbox,
    }
    report |= {part: contract.get(part) for part in _PARTS}
    report |= {
        name: list(value) if isinstance(value, tuple) else value
        for name in _SUBJECTS
        if (value := getattr(view, name, None)) is not None
    }
    return report | {"disclaimers": list(view.disclaimers), "content": content}
