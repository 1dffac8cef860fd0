"""Price over twelve months, moving averages and volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np

from invest.domain.market import Bars, Floats
from invest.reports.charts import GAP, runs
from invest.reports.facts import FactBook
from invest.reports.locale import Locale
from invest.reports.views import Block, Figure, Paragraph, PriceChart, Section, Series, Stat, Stats

AVERAGES: Final = (20, 50, 200)
YEAR: Final = timedelta(days=365)
_RETURNS: Final = (
    "return_1m",
    "return_6m",
    "return_1y",
    "excess_ibov_1y",
    "volatility_1y",
    "max_drawdown_1y",
)


def moving_average(values: Floats, sessions: int) -> Floats:
    """Mean of the last `sessions` known values where a value is known; NaN until there are so many."""
    result = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) >= sessions:
        sums = np.cumsum(np.concatenate(([0.0], values[known])))
        result[known[sessions - 1 :]] = (sums[sessions:] - sums[:-sessions]) / sessions
    return result


def series_of(values: Floats, digits: int = 4) -> Series:
    """Plain numbers for a view: NaN and infinity become None; `digits` significant decimals are kept."""
    return tuple(round(float(v), digits) if math.isfinite(v) else None for v in values)


def days_of(bars: Bars) -> tuple[date, ...]:
    """The sessions as dates."""
    return tuple(bars.days.astype("datetime64[D]").astype(object))


def last_year(bars: Bars) -> slice:
    """The last year of `bars`, from the last session a year ago or before it, so that returns match the figures."""
    days = days_of(bars)
    if not days:
        return slice(0, 0)
    start = days[-1] - YEAR
    first = next((i for i, d in enumerate(days) if d > start), 0)
    return slice(first - 1 if first and start - days[first - 1] <= GAP else first, len(days))


def price_section(bars: Bars, book: FactBook, *, tracker: bool = False) -> Section:
    """The chart with the figures of momentum beneath it; a sentence where there are too few sessions."""
    locale, words = book.locale, book.locale.words
    chart = price_chart(bars, locale)
    own = {"excess_ibov_1y": "excess_ifix_1y"} if book.value("excess_ifix_1y") is not None else {}  # a fund's index
    keys = (own.get(k, k) for k in _RETURNS if k != "excess_ibov_1y" or not tracker)
    figures = tuple(_stat(book, key) for key in keys if book.value(key) is not None)
    blocks: list[Block] = [chart] if chart else [Paragraph(text=words.t("price.none"), muted=True)]
    gaps = len(runs(chart.days, chart.close)) - 1 if chart else 0
    if gaps > 0:
        text = words.t("price.gap_one") if gaps == 1 else words.t("price.gaps", n=gaps)
        blocks.append(Paragraph(text=text, muted=True))
    if figures:
        blocks.append(Stats(items=figures))
    title = words.t("price.title_points" if bars.ticker.startswith("^") else "price.title")
    if chart and chart.days[-1] - chart.days[0] < YEAR - timedelta(days=30):
        title = words.t("price.title_short", day=locale.day(chart.days[0]))
    return Section(
        id="price", title=title, note=_note(chart, bars.ticker, locale) if chart else "", blocks=tuple(blocks)
    )


def _note(chart: PriceChart, ticker: str, locale: Locale) -> str:
    """What the price is adjusted for, and what each mark is."""
    words = locale.words
    # A coin pays nothing and is not split, an index counts what its papers pay.
    kind = "points" if ticker.startswith("^") else "unit" if "-" in ticker else "adjusted"
    parts = [words.t(f"price.{kind}")]
    parts += [words.t("price.averages")] if chart.averages else []
    parts += [words.t("price.volume")] if chart.has_volume else []
    return "; ".join(parts)


def price_chart(bars: Bars, locale: Locale) -> PriceChart | None:
    """The chart of the last year of `bars`; None with fewer than two known closes."""
    window = last_year(bars)
    adjusted = bars.adjusted
    closes, days = series_of(adjusted[window]), days_of(bars)[window]
    known = [v for v in closes if v is not None and v > 0]
    if len(known) < 2:
        return None
    averages = {k: series_of(moving_average(adjusted, k)[window]) for k in AVERAGES}
    averages = {k: v for k, v in averages.items() if any(x is not None for x in v)}
    volume = tuple(v if v and v > 0 else None for v in series_of(bars.volume[window], 0))
    last = Figure(text=_tag(known[-1], locale), raw=known[-1], unit="BRL", key="close", as_of=days[-1])
    return PriceChart(
        title=locale.words.t("price.chart", ticker=bars.ticker),
        description=_description(days, known, averages, locale),
        days=days,
        close=closes,
        averages=averages,
        volume=volume,
        last=last,
        has_volume=any(volume),
    )


def _tag(value: float, locale: Locale) -> str:
    """The last price without its currency, which the section's note says once."""
    return locale.price(value).removeprefix("R$ ")


def _description(days: Sequence[date], known: Sequence[float], averages: dict[int, Series], locale: Locale) -> str:
    ends = [
        locale.words.t(
            "price.average_words", n=k, value=locale.price(next(v for v in reversed(values) if v is not None))
        )
        for k, values in averages.items()
    ]
    return locale.words.t(
        "price.description",
        first=locale.day(days[0]),
        last=locale.day(days[-1]),
        start=locale.price(known[0]),
        end=locale.price(known[-1]),
        change=locale.percent(known[-1] / known[0] - 1, 1, signed=True),
        low=locale.price(min(known)),
        high=locale.price(max(known)),
        averages=" ".join(ends),
    ).strip()


def _stat(book: FactBook, key: str) -> Stat:
    figure = book.figure(key)
    signed = key.startswith(("return", "excess", "max_drawdown"))
    text = book.locale.percent(figure.raw, 1, signed=True) if signed else figure.text
    return Stat(label=book.shortest(key), text=text, figure=figure)
