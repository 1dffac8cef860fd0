"""The overview of one market: the index, the best scores, what moved, verdicts, sectors, the economy."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from statistics import median
from typing import Any, Final

from invest.domain.analysis import Analysis, Recommendation
from invest.domain.market import AssetKind, NewsItem
from invest.reports.cells import number_cell, percent_cell, price_cell
from invest.reports.comparison import in_order, is_judged
from invest.reports.data import MarketReportData
from invest.reports.facts import FactBook
from invest.reports.frame import frame
from invest.reports.locale import MARKET_ZONE, Locale, locale_of
from invest.reports.phrases import change_text, sector_name, source_name
from invest.reports.sections import (
    assets_table,
    backtest_detail,
    backtest_section,
    direction,
    news_section,
    price_chart,
    provenance_section,
    shared_record,
    sources_section,
    telling,
)
from invest.reports.views import (
    Bar,
    BarsChart,
    Block,
    Cell,
    Claim,
    Column,
    Header,
    MarketReportView,
    Paragraph,
    Section,
    Stat,
    Strip,
    Table,
)
from invest.reports.words import clean

_MOVERS: Final = 6
_SECTOR_SIZE: Final = 3  # fewer assets make no median
_LEAST_FOR_BREADTH: Final = 5
_NEAR: Final = 0.01
_AVERAGES: Final = (("above_50", "distance_sma_50"), ("above_200", "distance_sma_200"))
_SECTORS: Final = 12
_CODE: Final = re.compile(r"\b[A-Z]{4}\d{1,2}\b")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MONTHLY: Final = frozenset({"ipca", "ipca_12m", "igpm_12m"})
_NAMED: Final = 3  # of those that share the best score
_GOOD: Final = (Recommendation.STRONG_BUY, Recommendation.BUY)


def build_market_view(data: MarketReportData) -> MarketReportView:
    """Decide and word the overview of one market."""
    locale = locale_of(data.language)
    words = locale.words
    market = words.get(f"market.{data.market}", clean(data.market, 30))
    ordered = in_order(data.analyses)
    scored = [a for a in ordered if is_judged(a)]
    sandbox = data.sandbox or any(a.sandbox for a in ordered)
    as_of = data.as_of.astimezone(MARKET_ZONE).date()
    counted = words.t("overview.assets_one") if len(ordered) == 1 else words.t("overview.assets", n=len(ordered))
    title = words.t("title.market", market=market)
    return MarketReportView(
        **frame(data, locale, title=title, as_of=as_of, sandbox=sandbox),
        market=data.market,
        header=_header(data, words.t("overview.heading", market=market), counted, locale),
        strip=_strip(ordered, scored, locale),
        sections=_sections(data, ordered, scored, locale),
        contract=_contract(data, ordered, scored),
    )


def _header(data: MarketReportData, title: str, counted: str, locale: Locale) -> Header:
    closes = [float(v) for v in data.index.close if v > 0] if data.index is not None else []
    change = closes[-1] / closes[-2] - 1 if len(closes) > 1 else None
    text, mark = change_text(change, locale)
    words = locale.words
    return Header(
        title=title,
        tagline=f"{counted} · {words.t('header.as_of', when=locale.instant(data.as_of))}",
        value=f"{data.index_name} {locale.number(closes[-1], 0)}" if closes else "",
        change=words.t("header.on_day", change=text) if text else "",
        change_mark=mark,
    )


def _strip(ordered: Sequence[Analysis], scored: Sequence[Analysis], locale: Locale) -> Strip:
    words = locale.words
    changes = [a.change_1d for a in ordered if a.change_1d is not None]
    scores = [a.overall_score for a in scored if a.overall_score is not None]
    rising = sum(c > 0 for c in changes)
    bought = sum(a.recommendation in _GOOD for a in ordered)
    sentences = []
    if changes:
        middle = locale.percent(median(changes), 2, signed=True)
        sentences.append(words.t("overview.sentence", up=rising, total=len(changes), median=middle))
    else:
        sentences.append(words.t("overview.sentence_none"))
    if scored:
        score = locale.number(scored[0].overall_score, 1)
        tied = [a.ticker for a in scored if locale.number(a.overall_score, 1) == score]
        key = "leader" if len(tied) == 1 else "leaders" if len(tied) <= _NAMED else "leaders_many"
        sentences.append(words.t(f"overview.{key}", ticker=locale.join(tied), n=len(tied), score=score))
    return Strip(
        label=words.t("overview.rising"),
        verdict=words.t("overview.of", n=rising, total=len(changes)) if changes else "—",
        mark="off" if not changes else "up" if rising * 2 > len(changes) else "down",
        sentence=Claim(text=" ".join(sentences)),
        stats=(
            Stat(label=words.t("overview.bought"), text=words.t("overview.of", n=bought, total=len(ordered))),
            Stat(label=words.t("overview.median_score"), text=locale.number(median(scores) if scores else None, 1)),
        ),
    )


def _sections(
    data: MarketReportData, ordered: Sequence[Analysis], scored: Sequence[Analysis], locale: Locale
) -> tuple[Section, ...]:
    movers = sorted((a for a in ordered if a.change_1d), key=lambda a: -abs(a.change_1d or 0.0))
    about = [a.ticker for a in (*movers[: 2 * _MOVERS], *scored[: data.top_n])]
    parts = (
        _index_section(data, locale),
        _breadth(ordered, locale),
        _verdicts(ordered, locale),
        _movers(ordered, locale, up=True),
        _movers(ordered, locale, up=False),
        _top(data, scored, locale),
        _sectors(ordered, locale),
        _macro(data, locale),
        news_section(_of_market(data.news, ordered), None, locale, about=about),
        backtest_section(shared_record(ordered), locale),
        sources_section(
            report_id=data.report_id, generated_at=data.generated_at, sources=(s for a in ordered for s in a.sources),
            outcomes=data.outcomes, opinions=(), cost=data.cost_usd, locale=locale,
        ),
        backtest_detail(shared_record(ordered), locale),
        provenance_section(
            payloads=data.payloads, outcomes=data.outcomes, opinions=(),
            cited=(f.payload for a in scored[: data.top_n] for f in a.facts if f.payload), locale=locale,
        ),
    )  # fmt: skip
    return tuple(part for part in parts if part is not None)


def _of_market(news: Sequence[NewsItem], ordered: Sequence[Analysis]) -> list[NewsItem]:
    """What is written about this market's assets; in the market of shares also what is about none in particular."""
    tickers = {a.ticker for a in ordered}
    general = any(a.kind in (AssetKind.STOCK, AssetKind.UNIT) for a in ordered)
    named = ((item, {*item.tickers, *_CODE.findall(item.title)}) for item in news)
    return [item for item, codes in named if tickers & codes or (general and not codes)]


def _breadth(ordered: Sequence[Analysis], locale: Locale) -> Section | None:
    """How many rise, fall and stand; how many are above their averages and at their extremes. None without changes."""
    words = locale.words
    changes = [a.change_1d for a in ordered if a.change_1d is not None]
    if len(changes) < _LEAST_FOR_BREADTH:
        return None
    rising, falling = sum(c > 0 for c in changes), sum(c < 0 for c in changes)
    rows = [
        ("rising", rising, len(changes)),
        ("falling", falling, len(changes)),
        ("unchanged", len(changes) - rising - falling, len(changes)),
        *(_share(name, [v for v in _values(ordered, key) if v is not None]) for name, key in _AVERAGES),
        _extreme("at_high", "week52_high", ordered),
        _extreme("at_low", "week52_low", ordered),
    ]
    bars = tuple(
        Bar(
            label=words.t(f"breadth.{name}"),
            value=count / total,
            text=words.t("overview.of", n=count, total=total),
        )
        for name, count, total in rows
        if total
    )
    chart = BarsChart(
        title=words.t("breadth.chart"),
        description="; ".join(f"{b.label}: {b.text}" for b in bars) + ".",
        top=1,
        bars=bars,
    )
    title, note = words.t("breadth.title"), words.t("breadth.note")
    return Section(id="breadth", title=title, note=note, blocks=(chart,), span=7)


def _share(name: str, distances: Sequence[float]) -> tuple[str, int, int]:
    return name, sum(d > 0 for d in distances), len(distances)


def _extreme(name: str, key: str, ordered: Sequence[Analysis]) -> tuple[str, int, int]:
    """How many stand within 1 % of their 52-week high or low."""
    pairs = [(a.price, f.value) for a in ordered for f in a.facts if f.key == key and f.value and a.price]
    return name, sum(abs(price / level - 1) <= _NEAR for price, level in pairs if price and level), len(pairs)


def _index_section(data: MarketReportData, locale: Locale) -> Section | None:
    chart = price_chart(data.index, locale) if data.index is not None else None
    if chart is None:
        return None
    words, name = locale.words, data.index_name
    points = locale.number(chart.last.raw, 0)
    chart = chart.model_copy(
        update={
            "title": words.t("overview.index_chart", name=name),
            "name": name,
            "last": chart.last.model_copy(update={"text": points, "unit": "index"}),
            "description": chart.description.replace("R$ ", ""),
        }
    )
    title, note = words.t("overview.index_title", name=name), words.t("overview.index_note")
    return Section(id="index", title=title, note=note, blocks=(chart,))


def _top(data: MarketReportData, scored: Sequence[Analysis], locale: Locale) -> Section:
    words, best = locale.words, list(scored[: data.top_n])
    block: Block = Paragraph(text=words.t("overview.none"), muted=True)
    if best:
        block = assets_table(best, data.bars, locale, ranked=True)
    title = words.t("overview.top_title", n=len(best) or data.top_n)
    return Section(id="top", title=title, note=words.t("overview.top_note") if best else "", blocks=(block,))


def _movers(ordered: Sequence[Analysis], locale: Locale, *, up: bool) -> Section | None:
    """The largest movements one way; None where nothing moved that way."""
    words = locale.words
    moved = [(a.change_1d, a) for a in ordered if a.change_1d and (a.change_1d > 0) == up]
    moved.sort(key=lambda pair: (-abs(pair[0]), pair[1].ticker))
    rows = tuple(
        (
            Cell(text=a.ticker, strong=True),
            Cell(text=clean(a.name, 32), muted=True),
            price_cell(locale, a.price),
            percent_cell(locale, change, 2, signed=True, mark=direction(change)),
        )
        for change, a in moved[:_MOVERS]
    )
    columns = (
        Column(label=words.t("table.asset"), width=1),
        Column(label="", width=2.2),
        Column(label=words.t("table.price"), align="right", width=1.3),
        Column(label=words.t("table.day"), align="right", width=1.3),
    )
    if not rows:
        return None
    block = Table(caption=words.t("overview.movers_caption"), columns=columns, rows=rows)
    ident, title = ("rises", "up_title") if up else ("falls", "down_title")
    return Section(id=ident, title=words.t(f"overview.{title}"), blocks=(block,), span=6)


def _verdicts(ordered: Sequence[Analysis], locale: Locale) -> Section | None:
    words = locale.words
    counts = Counter(a.recommendation.value for a in ordered)
    bars = tuple(
        Bar(label=words.t(f"recommendation.{r.value}"), value=counts[r.value], text=locale.number(counts[r.value], 0))
        for r in Recommendation
        if counts[r.value]
    )
    if len(bars) < 2 or len(ordered) < _LEAST_FOR_BREADTH:
        return None  # the strip says it
    chart = BarsChart(
        title=words.t("overview.verdicts_chart"),
        description="; ".join(f"{b.label}: {b.text}" for b in bars) + ".",
        top=max(counts.values()),
        bars=bars,
    )
    title, note = words.t("overview.verdicts_title"), words.t("overview.verdicts_note")
    return Section(id="verdicts", title=title, note=note, blocks=(chart,), span=5)


def _sectors(ordered: Sequence[Analysis], locale: Locale) -> Section | None:
    """Medians of the largest sectors, from three assets on; None where no sector has so many."""
    words = locale.words
    groups: dict[str, list[Analysis]] = defaultdict(list)
    for analysis in ordered:
        if analysis.sector:
            groups[sector_name(analysis.sector, locale, 48)].append(analysis)
    enough = {sector: members for sector, members in groups.items() if len(members) >= _SECTOR_SIZE}
    if not enough:
        return None
    largest = sorted(enough.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:_SECTORS]
    rows = tuple(
        (
            Cell(text=sector),
            Cell(text=str(len(members))),
            number_cell(locale, _middle([a.overall_score for a in members]), 1, strong=True),
            number_cell(locale, _middle(_values(members, "p_l")), 1),
            percent_cell(locale, _middle(_values(members, "return_1y")), 1, signed=True),
        )
        for sector, members in largest
    )
    labels = (
        words.t("overview.count"),
        words.t("table.score"),
        FactBook((), locale).label("p_l"),
        words.t("table.year"),
    )
    columns = (Column(label=words.t("overview.sector")), *(Column(label=label, align="right") for label in labels))
    table = Table(caption=words.t("overview.sectors_caption"), columns=columns, rows=rows)
    title, note = words.t("overview.sectors_title"), words.t("overview.sectors_note")
    return Section(id="sectors", title=title, note=note, blocks=(table,), span=7)


def _values(members: Sequence[Analysis], key: str) -> list[float | None]:
    return [f.value for a in members for f in a.facts if f.key == key]


def _middle(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return median(known) if known else None


def _macro(data: MarketReportData, locale: Locale) -> Section | None:
    """Figures of the economy as given; names that end in `_brl` are prices in R$, the others fractions."""
    if not data.macro:
        return None
    words = locale.words
    columns = (
        Column(label=words.t("overview.series"), width=2.4),
        Column(label=words.t("overview.macro_value"), align="right", width=1),
        Column(label=words.t("overview.macro_day"), align="right", width=1),
        Column(label=words.t("facts.source"), width=1.6),
    )
    rows = tuple(
        (
            Cell(text=words.get(f"macro.{name}", clean(name, 40))),
            (
                number_cell(locale, value, 4, strong=True)
                if name.endswith("_brl")
                else percent_cell(locale, value, 2, strong=True)
            ),
            Cell(text=_month(day, locale) if name in _MONTHLY else locale.day(day)),
            Cell(text=source_name(None if _HASH.fullmatch(source) else source, locale), muted=True),
        )
        for name, value, day, source in data.macro
    )
    table = Table(caption=words.t("overview.macro_caption"), columns=columns, rows=rows)
    return Section(id="macro", title=words.t("overview.macro_title"), blocks=(table,))


def _month(day: date, locale: Locale) -> str:
    """`fev 2026`: a figure of a month is of no day."""
    return f"{locale.month(day.month)} {day.year}"


def _contract(data: MarketReportData, ordered: Sequence[Analysis], scored: Sequence[Analysis]) -> dict[str, Any]:
    top = [
        {"ticker": a.ticker, "score": a.overall_score, "recommendation": a.recommendation.value, "price": a.price}
        for a in scored[: data.top_n]
    ]
    return {
        "ai_provider": data.ai_provider,
        "overview": {"market": data.market, "assets": len(ordered), "scored": len(scored)},
        "quantitative_analysis": {"top": top, "verdicts": dict(Counter(a.recommendation.value for a in ordered))},
        "fundamental_data": {name: {"value": v, "day": d.isoformat(), "source": s} for name, v, d, s in data.macro},
        "news_summary": {
            "titles": [clean(item.title, 220) for item in telling(data.news)[:6]],
            "count": len(data.news),
        },
        "final_recommendation": {"best": top[0] if top else None},
    }
