"""Several assets beside each other: returns rebased, scores, a table with the best of each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from invest.domain.analysis import FACT_KEYS, Analysis
from invest.domain.market import AssetKind, Bars, Floats
from invest.reports.cells import price_cell
from invest.reports.facts import FactBook
from invest.reports.locale import Locale
from invest.reports.phrases import change_text
from invest.reports.sections.analysts import VERDICT_MARKS
from invest.reports.sections.prices import days_of, last_year, series_of
from invest.reports.views import Bar, BarsChart, Cell, Column, Line, LinesChart, Section, Series, Table
from invest.reports.words import clean

_COMPANY: Final = ("p_l", "p_vp", "roe", "net_debt_ebitda", "dividend_yield")
_FUND: Final = ("p_vp", "dividend_yield", "dividend_months_12m", "volatility_1y", "turnover_21d")
_TRADED: Final = ("volatility_1y", "max_drawdown_1y", "sharpe_1y", "turnover_21d")
_MIXED: Final = ("p_vp", "dividend_yield", "volatility_1y", "max_drawdown_1y", "turnover_21d")
_SPARK_POINTS: Final = 52
NAMED_LINES: Final = 6  # that a chart tells apart


def keys_for(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """The figures that the kinds of these assets have in common."""
    kinds = {a.kind for a in analyses}
    if kinds <= {AssetKind.STOCK, AssetKind.UNIT, AssetKind.BDR}:
        return _COMPANY
    if kinds == {AssetKind.FII}:
        return _FUND
    return _TRADED if kinds <= {AssetKind.ETF, AssetKind.CRYPTO, AssetKind.INDEX} else _MIXED


def spark_of(bars: Bars | None) -> Series | None:
    """A year of adjusted closes in at most 52 points; None with fewer than two."""
    if bars is None or len(bars) < 2:
        return None
    closes = series_of(bars.adjusted[last_year(bars)], 3)
    step = max(1, len(closes) // _SPARK_POINTS)
    return tuple(closes[::-1][::step][::-1])


def assets_table(
    analyses: Sequence[Analysis], bars: Mapping[str, Bars], locale: Locale, *, ranked: bool = False
) -> Table:
    """A row per asset; the best figure of each column is bold, which says nothing about the kinds being comparable.

    A column that at most half of the assets have is left out.
    """
    words = locale.words
    books = [FactBook(a.facts, locale, of=a.ticker) for a in analyses]
    keys = [k for k in keys_for(analyses) if sum(b.value(k) is not None for b in books) * 2 > len(books)]
    best = {key: _best(key, [book.value(key) for book in books]) for key in keys}
    columns = [Column(label=words.t("table.asset")), Column(label=words.t("table.price"), align="right")]
    columns += [Column(label=words.t("table.trend"), align="right")]
    columns += [Column(label=FactBook((), locale).column(k), align="right") for k in keys]
    columns += [Column(label=words.t("table.score"), align="right"), Column(label=words.t("table.verdict"))]
    if ranked:
        columns.insert(0, Column(label=words.t("table.rank"), align="right"))
    top = max((score for a in analyses if (score := score_of(a)) is not None), default=None)
    best_score = None if top is None else locale.number(top, 1)  # as printed: what looks the same is the same
    rows = []
    place, before = 0, ""
    for i, (analysis, book) in enumerate(zip(analyses, books, strict=True), start=1):
        printed = locale.number(score_of(analysis), 1)
        place, before = (place if printed == before else i), printed
        cells = [
            Cell(text=analysis.ticker, sub=clean(analysis.name, 26) or None, strong=True),
            price_cell(locale, analysis.price, bare=True, sub=_day_change(analysis, locale)),
            Cell(text=_year_text(book, locale), spark=spark_of(bars.get(analysis.ticker))),
            *(
                Cell(text=book.figure(k).text, figure=book.figure(k), strong=book.value(k) == best[k] is not None)
                for k in keys
            ),
            Cell(text=printed, strong=printed == best_score),
            verdict_cell(analysis, locale),
        ]
        rows.append(tuple([Cell(text=str(place), muted=True), *cells] if ranked else cells))
    return Table(caption=words.t("comparison.caption"), columns=tuple(columns), rows=tuple(rows), small=len(rows) > 8)


def score_of(analysis: Analysis) -> float | None:
    """The score; None where it carries no verdict (outdated prices, too little data)."""
    return None if analysis.recommendation == "insufficient_data" else analysis.overall_score


def verdict_cell(analysis: Analysis, locale: Locale) -> Cell:
    """The verdict in words with its mark; the coverage beneath where it is not whole."""
    coverage = None
    if analysis.coverage < 0.9:
        coverage = f"{locale.words.t('table.coverage').lower()} {locale.percent(analysis.coverage, 0)}"
    text = locale.words.t(f"recommendation.{analysis.recommendation}")
    return Cell(text=text, mark=VERDICT_MARKS[analysis.recommendation], sub=coverage)


def _day_change(analysis: Analysis, locale: Locale) -> str | None:
    text, mark = change_text(analysis.change_1d, locale)
    shape = {"up": "▲ ", "down": "▼ "}.get(mark or "", "")
    return f"{shape}{text}" if text else None


def _year_text(book: FactBook, locale: Locale) -> str:
    return locale.percent(book.value("return_1y"), 1, signed=True)


def _best(key: str, values: Sequence[float | None]) -> float | None:
    """The best value by the direction of its key; a negative multiple is never the cheapest."""
    entry = FACT_KEYS.get(key)
    known = [v for v in values if v is not None]
    if entry is None or entry.better is None or len(set(known)) < 2:
        return None  # where all are alike none is the best
    if entry.better == -1:
        known = [v for v in known if v > 0] if entry.group == "valuation" else known
        return min(known, default=None)
    return max(known)


def scores_chart(analyses: Sequence[Analysis], locale: Locale) -> BarsChart:
    """A bar per asset that has a verdict, best first."""
    judged = [a for a in analyses if score_of(a) is not None]
    ordered = sorted(judged, key=lambda a: (-(a.overall_score or 0), a.ticker))
    bars = tuple(Bar(label=a.ticker, value=a.overall_score, text=locale.number(a.overall_score, 1)) for a in ordered)
    text = "; ".join(locale.words.t("scores.row", name=b.label, score=b.text) for b in bars)
    return BarsChart(title=locale.words.t("comparison.scores_chart"), description=f"{text}.", top=10, bars=bars)


def returns_section(
    tickers: Sequence[str], bars: Mapping[str, Bars], locale: Locale, *, emphasis: str | None = None
) -> Section | None:
    """Twelve months of each asset from 100; those beyond the sixth stay unnamed. None without two days of any."""
    chart = returns_chart(tickers, bars, locale, emphasis=emphasis)
    if chart is None:
        return None
    words = locale.words
    some = len(chart.lines) > NAMED_LINES
    note = words.t("comparison.chart_note_some", n=NAMED_LINES) if some else words.t("comparison.chart_note")
    return Section(id="returns", title=words.t("comparison.chart_title"), note=note, blocks=(chart,))


def returns_chart(
    tickers: Sequence[str], bars: Mapping[str, Bars], locale: Locale, *, emphasis: str | None = None
) -> LinesChart | None:
    """The chart alone: every asset on the union of the days of all, each from 100 at its own first close."""
    shown = {
        t: b for t in tickers if (b := bars.get(t)) is not None and np.isfinite(b.adjusted[last_year(b)]).sum() > 1
    }
    if not shown:
        return None
    last = max(days_of(b)[-1] for b in shown.values())
    days = sorted({d for b in shown.values() for d in days_of(b)[last_year(b)] if (last - d).days < 376})
    lines = [Line(name=t, values=_rebased(b, days), emphasis=t == emphasis) for t, b in shown.items()]
    lines = [line for line in lines if any(v is not None for v in line.values)]
    words = locale.words
    items = ", ".join(f"{line.name} {locale.percent(_last(line.values) / 100 - 1, 1, signed=True)}" for line in lines)
    return LinesChart(
        title=words.t("comparison.chart"),
        description=words.t(
            "comparison.chart_description", first=locale.day(days[0]), last=locale.day(days[-1]), items=items
        ),
        days=tuple(days),
        lines=tuple(lines),
    )


def _rebased(bars: Bars, days: Sequence[date]) -> Series:
    """Adjusted closes on `days`, 100 at the first one known; between two sessions of its own the last one stands."""
    window = last_year(bars)
    values: Floats = bars.adjusted[window]
    known = {d: float(v) for d, v in zip(days_of(bars)[window], values, strict=True) if np.isfinite(v) and v > 0}
    if not known:
        return tuple(None for _ in days)
    first, end, base = min(known), max(known), known[min(known)]
    series: list[float | None] = []
    held: tuple[date, float] | None = None
    for day in days:
        if day in known:
            held = (day, known[day])
        fresh = held is not None and first <= day <= end and (day - held[0]).days <= 10
        series.append(round(held[1] / base * 100, 3) if held is not None and fresh else None)
    return tuple(series)


def _last(values: Series) -> float:
    return next((v for v in reversed(values) if v is not None), 100.0)
