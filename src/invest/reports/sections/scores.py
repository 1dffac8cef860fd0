"""Score by dimension, with the sector's median as a marker, and what the score lacks."""

from __future__ import annotations

from invest.domain.analysis import Analysis, Withheld
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.sections.backtest import backtest_text
from invest.reports.views import Bar, BarsChart, Block, Paragraph, Section


def _first_sentence(analysis: Analysis, locale: Locale, *, scored: bool) -> str:
    """How much of the score has data, or why there is none."""
    if scored:
        return locale.words.t("scores.coverage", coverage=locale.percent(analysis.coverage, 0))
    unscored = analysis.withheld is Withheld.NO_SCORECARD
    return locale.words.t("strip.unscored" if unscored else "scores.none")


def score_section(analysis: Analysis, book: FactBook) -> Section:
    """Bars of the sides that have a score (the contract's five parts where there are none); what is missing."""
    locale, words = book.locale, book.locale.words
    rows = score_rows(analysis)
    bars = tuple(
        Bar(label=words.get(f"part.{name}", name), value=score, text=locale.number(score, 1), marker=sector)
        for name, score, sector in rows
        if score is not None
    )
    silent = [words.get(f"part.{name}", name) for name, score, _ in rows if score is None]
    sentences = [
        _first_sentence(analysis, locale, scored=bool(bars)),
        words.t("scores.silent", items=", ".join(silent)) if silent and bars else "",
        missing_text(analysis, book),
        backtest_text(analysis.backtest, locale) if bars else "",
    ]
    blocks: tuple[Block, ...] = (Paragraph(text=" ".join(text for text in sentences if text), muted=True),)
    if bars:
        chart = BarsChart(
            title=words.t("scores.chart"),
            description="; ".join(_words(bar, locale) for bar in bars) + ".",
            top=10,
            bars=bars,
            marker_label=words.t("scores.sector"),
        )
        blocks = (chart, *blocks)
    note = words.t("scores.note") if bars else ""
    return Section(id="scores", title=words.t("scores.title"), note=note, blocks=blocks, span=5)


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
    names = [book.short(key) for key in analysis.missing]
    if not names:
        return ""
    shown = names if len(names) <= most else [*names[:most], f"+{len(names) - most}"]
    return words.t("scores.missing", items=book.locale.listed(shown))


def _words(bar: Bar, locale: Locale) -> str:
    text = bar.text if bar.text != MISSING else locale.words.t("missing_word")
    if bar.marker is None:
        return locale.words.t("scores.row", name=bar.label, score=text)
    return locale.words.t("scores.row_sector", name=bar.label, score=text, sector=locale.number(bar.marker, 1))
