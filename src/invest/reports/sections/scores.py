"""Score by dimension, with the sector's median as a marker, and what the score lacks."""

from __future__ import annotations

from invest.domain.analysis import Analysis
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.sections.backtest import backtest_text
from invest.reports.views import Bar, BarsChart, Paragraph, Section


def score_section(analysis: Analysis, book: FactBook) -> Section:
    """Bars of the dimensions (of the contract's five parts where an analysis has none), and what is missing."""
    locale, words = book.locale, book.locale.words
    bars = tuple(
        Bar(label=words.get(f"part.{name}", name), value=score, text=locale.number(score, 1), marker=sector)
        for name, score, sector in score_rows(analysis)
    )
    chart = BarsChart(
        title=words.t("scores.chart"),
        description="; ".join(_words(bar, locale) for bar in bars) + ".",
        top=10,
        bars=bars,
        marker_label=words.t("scores.sector"),
    )
    text = words.t("scores.coverage", coverage=locale.percent(analysis.coverage, 0))
    text = f"{text} {missing_text(analysis, book)} {backtest_text(analysis.backtest, locale)}"
    blocks = (chart, Paragraph(text=text, muted=True))
    return Section(id="scores", title=words.t("scores.title"), note=words.t("scores.note"), blocks=blocks, span=5)


def score_rows(analysis: Analysis) -> list[tuple[str, float | None, float | None]]:
    """Name, score and the sector's median of each bar."""
    if analysis.dimensions:
        return [(d.name, d.score, d.sector_median) for d in analysis.dimensions]
    return [
        ("fundamental", analysis.fundamental_analysis.overall_score, None),
        ("technical", analysis.technical_analysis.overall_score, None),
        ("valuation", analysis.valuation_analysis.score, None),
        ("risk", analysis.risk_analysis.score, None),
        ("sentiment", analysis.sentiment_analysis.score, None),
    ]


def missing_text(analysis: Analysis, book: FactBook, most: int = 6) -> str:
    """What the scorecard lacks, by name."""
    words = book.locale.words
    names = [book.label(key) for key in analysis.missing]
    if not names:
        return words.t("scores.complete")
    shown = names if len(names) <= most else [*names[:most], f"+{len(names) - most}"]
    return words.t("scores.missing", items=", ".join(shown))


def _words(bar: Bar, locale: Locale) -> str:
    text = bar.text if bar.text != MISSING else locale.words.t("missing_word")
    if bar.marker is None:
        return locale.words.t("scores.row", name=bar.label, score=text)
    return locale.words.t("scores.row_sector", name=bar.label, score=text, sector=locale.number(bar.marker, 1))
