"""Price beside what models, book value, the AIs and the year's range say; with the assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from invest.domain.analysis import Analysis
from invest.domain.market import AssetKind
from invest.domain.opinions import Opinion
from invest.reports.facts import FactBook
from invest.reports.locale import Locale
from invest.reports.phrases import unit_of
from invest.reports.views import Block, Dot, DotsChart, Level, Paragraph, Ref, Section

GORDON_PREMIUM: Final = 0.06  # over CDI, as in docs/figures.md
GORDON_GROWTH_CAP: Final = 0.05
_MODELS: Final = ("graham", "bazin", "gordon")


def worth_section(analysis: Analysis, opinions: Sequence[Opinion], book: FactBook) -> Section | None:
    """A dot per model on the axis of prices, the price as a line; None without a price or without any model."""
    price, fund = analysis.price, analysis.kind in (AssetKind.FII, AssetKind.ETF)
    dots, how, refs = _models(book, fund=fund)
    expected = _expected(opinions, book)
    if price is None or not (dots or (fund and expected)):
        return None
    locale, words = book.locale, book.locale.words
    if expected is not None:
        dots.append(expected)
        how.append(words.t("worth.how_ais"))
    low, high = book.value("week52_low"), book.value("week52_high")
    if low is not None and high is not None:
        text = words.t("record.range", low=locale.number(low, 2), high=locale.number(high, 2))
        dots.append(Dot(label=words.t("worth.year"), value=None, text=text, low=low, high=high))
    level = Level(label=words.t("worth.price"), value=price, text=locale.number(price, 2), strong=True)
    chart = DotsChart(
        title=words.t("worth.chart"),
        description="; ".join(f"{d.label}: {d.text}" for d in dots) + f"; {level.label}: {level.text}.",
        unit="R$",
        dots=tuple(dots),
        levels=(level,),
    )
    blocks: tuple[Block, ...] = (chart, Paragraph(text=" ".join(how), muted=True, refs=refs))
    note = words.t(f"worth.note_{unit_of(analysis.kind)}")
    return Section(id="worth", title=words.t("worth.title"), note=note, blocks=blocks, span=7)


def _models(book: FactBook, *, fund: bool) -> tuple[list[Dot], list[str], tuple[Ref, ...]]:
    """A dot, a sentence and the references of each model that has a value."""
    locale, words = book.locale, book.locale.words
    dots, how, ids = [], [], []
    book_value = book.get("bvps")
    if fund and book_value is not None and book_value.value is not None:
        dots.append(Dot(label=words.t("worth.book"), value=book_value.value, text=locale.number(book_value.value, 2)))
        how.append(words.t("worth.how_book"))
        ids.append(book_value.id)
    for name in _MODELS:
        fact = book.get(f"{name}_price")
        if fact is None or fact.value is None:
            continue
        dots.append(Dot(label=words.t(f"worth.{name}"), value=fact.value, text=locale.number(fact.value, 2)))
        how.append(_how(name, book))
        ids.append(fact.id)
    return dots, how, tuple(Ref(fact_id=i, text="") for i in ids)


def _how(name: str, book: FactBook) -> str:
    locale, words = book.locale, book.locale.words
    if name == "graham":
        return words.t("worth.how_graham", eps=book.figure("eps").text, bvps=book.figure("bvps").text)
    if name == "bazin":
        return words.t("worth.how_bazin", dividends=book.figure("dividends_12m").text)
    pace, cdi = book.value("net_income_cagr_5y"), book.value("cdi_annual")
    growth = None if pace is None else min(max(pace, 0.0), GORDON_GROWTH_CAP)
    required = None if cdi is None else cdi + GORDON_PREMIUM
    return _gordon(growth, required, locale)


def _gordon(growth: float | None, required: float | None, locale: Locale) -> str:
    rate = locale.percent(required, 1)
    if not growth:
        return locale.words.t("worth.how_gordon_flat", required=rate)
    return locale.words.t("worth.how_gordon", growth=locale.percent(growth, 1), required=rate)


def _expected(opinions: Sequence[Opinion], book: FactBook) -> Dot | None:
    """The AIs' medians of the tenth, the middle and the ninetieth percentile; None where none answered with a price.

    The fixed rules have no vote: with them the median would be another than that of the AIs' pool.
    """
    valid = [o for o in opinions if o.valid and not o.benchmark and o.price_p50 is not None and o.price_p50 > 0]
    if not valid:
        return None
    middle = median(o.price_p50 for o in valid if o.price_p50 is not None)
    lows = [o.price_p10 for o in valid if o.price_p10 is not None]
    highs = [o.price_p90 for o in valid if o.price_p90 is not None]
    return Dot(
        label=book.locale.words.t("worth.ais"),
        value=middle,
        text=book.locale.number(middle, 2),
        low=median(lows) if lows else None,
        high=median(highs) if highs else None,
        hollow=True,
    )
