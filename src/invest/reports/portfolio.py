"""The report of one portfolio: what it is worth, how it did, what it holds, what could go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from invest.reports.data import PortfolioReportData, PositionRow, ReportData
from invest.reports.frame import frame
from invest.reports.locale import Locale, locale_of
from invest.reports.sections import (
    coming_section,
    contribution_section,
    curve_section,
    direction,
    income_section,
    metric_text,
    metrics_sections,
    portfolio_months_section,
    positions_section,
    provenance_section,
    rebalancing_section,
    sectors_section,
    sources_section,
    tax_section,
)
from invest.reports.views import Claim, Header, PortfolioReportView, Section, Stat, Strip
from invest.reports.words import clean


def build_portfolio_view(data: PortfolioReportData) -> PortfolioReportView:
    """Decide and word everything that the report of one portfolio says."""
    locale = locale_of(data.language)
    name = clean(data.name, 80)
    title = locale.words.t("title.portfolio", name=name)
    return PortfolioReportView(
        **frame(data, locale, title=title, as_of=data.as_of, sandbox=is_sandbox(data)),
        portfolio_id=data.portfolio_id,
        header=_header(data, name, locale),
        strip=_strip(data, locale),
        sections=_sections(data, locale),
        contract=portfolio_contract(data),
    )


def is_sandbox(data: PortfolioReportData) -> bool:
    """Whether any of its data is not real."""
    return data.sandbox or any(p.analysis is not None and p.analysis.sandbox for p in data.positions)


def positions_text(positions: Sequence[PositionRow], locale: Locale) -> str:
    """How many there are."""
    count = len(positions)
    if not count:
        return locale.words.t("portfolio.positions_none")
    return locale.words.t("portfolio.positions_one") if count == 1 else locale.words.t("portfolio.positions", n=count)


def _header(data: PortfolioReportData, name: str, locale: Locale) -> Header:
    words = locale.words
    invested = f"{words.t('portfolio.invested')}: {locale.money(data.total_invested)}" if data.total_invested else ""
    return Header(
        title=name,
        tagline=f"{positions_text(data.positions, locale)} · {words.t('header.as_of', when=locale.day(data.as_of))}",
        value=locale.money(data.total_value),
        value_note=invested,
    )


def _strip(data: PortfolioReportData, locale: Locale) -> Strip:
    """The time-weighted return first, then the gain in R$ and the XIRR, and always CDI and IBOV beside them."""
    words, metrics = locale.words, data.metrics
    gain = [Stat(label=words.t("metric.gain"), text=locale.money(data.gain))] if data.gain is not None else []
    stats = [
        Stat(label=words.t(f"metric.{k}"), text=metric_text(k, metrics[k], locale))
        for k in ("xirr", "cdi_return", "ibov_return")
        if metrics.get(k) is not None
    ]
    return Strip(
        label=words.t("metric.twr"),
        verdict=metric_text("twr", metrics.get("twr"), locale),
        mark=direction(metrics.get("twr")) or "flat",
        sentence=Claim(text=" ".join(t for t in (excess_text(metrics, locale), concentration_text(data, locale)) if t)),
        stats=(*gain, *stats),
    )


def excess_text(metrics: Mapping[str, float | None], locale: Locale) -> str:
    """How the return stands to CDI and IBOV, both where both are known."""
    known = {k: locale.percent(metrics[f"excess_{k}"], 1, signed=True) for k in ("cdi", "ibov")
             if metrics.get(f"excess_{k}") is not None}  # fmt: skip
    if not known:
        return ""
    name = "excess_both" if len(known) == 2 else f"excess_{next(iter(known))}"
    return locale.words.t(f"portfolio.{name}", **known)


def concentration_text(data: PortfolioReportData, locale: Locale) -> str:
    """The heaviest position, and whether weights are concentrated: HHI under 0.10 is low, above 0.18 high."""
    words = locale.words
    weighed = [p for p in data.positions if p.weight]
    if not weighed:
        return words.t("portfolio.empty")
    heaviest = max(weighed, key=lambda p: p.weight or 0)
    hhi = data.metrics.get("hhi")
    if hhi is None:
        hhi = sum((p.weight or 0) ** 2 for p in weighed)
    level = "low" if hhi < 0.10 else "medium" if hhi <= 0.18 else "high"
    largest = words.t("portfolio.largest", ticker=heaviest.ticker, weight=locale.percent(heaviest.weight, 1))
    return f"{largest} {words.t(f'portfolio.concentration_{level}', hhi=locale.number(hhi, 2))}"


def _sections(data: PortfolioReportData, locale: Locale) -> tuple[Section, ...]:
    parts: list[Section | None] = [
        curve_section(data, locale),
        portfolio_months_section(data.periods, data.as_of, locale),
        positions_section(data, locale),
        *metrics_sections(_measures(data), locale),
        contribution_section(data, locale),
        income_section(data, locale),
        coming_section(data, locale),
        sectors_section(data.positions, locale),
        tax_section(data, locale),
    ]
    parts.append(rebalancing_section(data, locale))
    parts += sources_parts(data, data.positions, locale)
    return tuple(part for part in parts if part is not None)


def _measures(data: PortfolioReportData) -> dict[str, float | None]:
    """The measures of the table: those of the job, and the projections of income."""
    projected = {
        "dividends_projected": data.dividends_projected,
        "dividends_projected_net": data.dividends_projected_net,
    }
    if data.dividends_projected_net == data.dividends_projected:
        del projected["dividends_projected_net"]  # nothing is withheld: one line says it
    return {**data.metrics, **{name: None if v is None else float(v) for name, v in projected.items()}}


def sources_parts(data: ReportData, positions: Sequence[PositionRow], locale: Locale) -> list[Section]:
    """The line on sources, and the files received for the appendix."""
    analyses = [p.analysis for p in positions if p.analysis is not None]
    return [
        sources_section(
            report_id=data.report_id,
            generated_at=data.generated_at,
            sources=(s for a in analyses for s in a.sources),
            outcomes=data.outcomes,
            opinions=(),
            cost=data.cost_usd,
            locale=locale,
        ),
        provenance_section(
            payloads=data.payloads,
            outcomes=data.outcomes,
            opinions=(),
            cited=(f.payload for a in analyses for f in a.facts if f.payload),
            locale=locale,
        ),
    ]


def portfolio_contract(data: PortfolioReportData) -> dict[str, Any]:
    """The contract's parts of a portfolio report; money as decimal strings."""
    return {
        "ai_provider": data.ai_provider,
        "overview": {
            "portfolio_id": data.portfolio_id,
            "name": clean(data.name),
            "as_of": data.as_of.isoformat(),
            "total_value": None if data.total_value is None else str(data.total_value),
            "total_invested": None if data.total_invested is None else str(data.total_invested),
            "positions": len(data.positions),
        },
        "quantitative_analysis": {
            "metrics": dict(data.metrics),
            "contributions": dict(data.contributions),
            "periods": [p.model_dump(mode="json") for p in data.periods],
            "positions": [
                {
                    "ticker": p.ticker,
                    "quantity": str(p.quantity),
                    "average_price": None if p.average_price is None else str(p.average_price),
                    "price": None if p.price is None else str(p.price),
                    "value": None if p.value is None else str(p.value),
                    "weight": p.weight,
                    "result": p.result,
                }
                for p in data.positions
            ],
        },
        "final_recommendation": {
            p.ticker: {"recommendation": p.analysis.recommendation.value, "score": p.analysis.overall_score}
            for p in data.positions
            if p.analysis is not None
        }
        if data.include_recommendations
        else None,
    }
