"""Parts of reports: each builds one section of a view from data, in the words of one language."""

from __future__ import annotations

from invest.reports.sections.analysts import (
    VERDICT_MARKS,
    analyst_name,
    analysts_section,
    arguments_of,
    case_section,
    consensus_text,
    on_scale,
    printed,
    spoken,
)
from invest.reports.sections.assets import assets_table, returns_section, scores_chart
from invest.reports.sections.backtest import backtest_section, shared_record
from invest.reports.sections.dividends import amount_text, dividends_section
from invest.reports.sections.fundamentals import fundamentals_section
from invest.reports.sections.holdings import (
    curve_section,
    direction,
    income_section,
    metric_text,
    metrics_section,
    positions_section,
    weights_sections,
)
from invest.reports.sections.news import news_section, summary_text
from invest.reports.sections.prices import price_chart, price_section
from invest.reports.sections.provenance import cited_facts, facts_section, provenance_section, quality_section
from invest.reports.sections.reasons import Side, figure_claims, verdict_sentence
from invest.reports.sections.record import record_section
from invest.reports.sections.risks import levels_text, risk_section
from invest.reports.sections.scores import missing_text, score_section

__all__ = [
    "VERDICT_MARKS",
    "Side",
    "amount_text",
    "analyst_name",
    "analysts_section",
    "arguments_of",
    "assets_table",
    "backtest_section",
    "case_section",
    "cited_facts",
    "consensus_text",
    "curve_section",
    "direction",
    "dividends_section",
    "facts_section",
    "figure_claims",
    "fundamentals_section",
    "income_section",
    "levels_text",
    "metric_text",
    "metrics_section",
    "missing_text",
    "news_section",
    "on_scale",
    "positions_section",
    "price_chart",
    "price_section",
    "printed",
    "provenance_section",
    "quality_section",
    "record_section",
    "returns_section",
    "risk_section",
    "score_section",
    "scores_chart",
    "shared_record",
    "spoken",
    "summary_text",
    "verdict_sentence",
    "weights_sections",
]
