"""Parts of reports: each builds one section of a view from data, in the words of one language."""

from __future__ import annotations

from invest.reports.sections.analysts import (
    VERDICT_MARKS,
    analysts_section,
    consensus_text,
    drawn,
    on_scale,
    price_range,
    printed,
    ratings_text,
    spoken,
)
from invest.reports.sections.assets import assets_table, returns_section, scores_chart
from invest.reports.sections.backtest import backtest_detail, backtest_section, shared_record
from invest.reports.sections.by_kind import own_sections
from invest.reports.sections.calendar_months import months_section, portfolio_months_section
from invest.reports.sections.cases import arguments_of, case_section
from invest.reports.sections.company import (
    agenda_section,
    amount_text,
    coming_section,
    contribution_section,
    dividends_section,
    fundamentals_section,
    multiples_sections,
    next_events,
    peers_section,
    profile_section,
    quarter_due,
    quarter_name,
    rebalancing_section,
    results_sections,
    tax_section,
    worth_section,
)
from invest.reports.sections.holdings import (
    curve_section,
    direction,
    income_section,
    metric_text,
    metrics_sections,
    positions_section,
    sectors_section,
)
from invest.reports.sections.news import news_section, summary_text, telling
from invest.reports.sections.prices import moving_average, price_chart, price_section
from invest.reports.sections.provenance import (
    cited_facts,
    facts_section,
    provenance_section,
    quality_section,
    sources_section,
)
from invest.reports.sections.reasons import Side, figure_claims, fit_arguments, outside_limits, verdict_sentence
from invest.reports.sections.record import pool_record_text, record_section
from invest.reports.sections.remarks import reason_in
from invest.reports.sections.risks import levels_text, risk_section
from invest.reports.sections.scores import missing_text, score_section

__all__ = [
    "VERDICT_MARKS",
    "Side",
    "agenda_section",
    "amount_text",
    "analysts_section",
    "arguments_of",
    "assets_table",
    "backtest_detail",
    "backtest_section",
    "case_section",
    "cited_facts",
    "coming_section",
    "consensus_text",
    "contribution_section",
    "curve_section",
    "direction",
    "dividends_section",
    "drawn",
    "facts_section",
    "figure_claims",
    "fit_arguments",
    "fundamentals_section",
    "income_section",
    "levels_text",
    "metric_text",
    "metrics_sections",
    "missing_text",
    "months_section",
    "moving_average",
    "multiples_sections",
    "news_section",
    "next_events",
    "on_scale",
    "outside_limits",
    "own_sections",
    "peers_section",
    "pool_record_text",
    "portfolio_months_section",
    "positions_section",
    "price_chart",
    "price_range",
    "price_section",
    "printed",
    "profile_section",
    "provenance_section",
    "quality_section",
    "quarter_due",
    "quarter_name",
    "ratings_text",
    "reason_in",
    "rebalancing_section",
    "record_section",
    "results_sections",
    "returns_section",
    "risk_section",
    "score_section",
    "scores_chart",
    "sectors_section",
    "shared_record",
    "sources_section",
    "spoken",
    "summary_text",
    "tax_section",
    "telling",
    "verdict_sentence",
    "worth_section",
]
