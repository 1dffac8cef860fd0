"""The report of several assets side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from invest.domain.analysis import FACT_KEYS, Analysis, Fact, follows_ibov, shown_score
from invest.domain.frozen import Frozen
from invest.domain.opinions import AiConsensus, Opinion
from invest.reports.cells import number_cell
from invest.reports.data import ComparisonReportData
from invest.reports.facts import FactBook
from invest.reports.frame import frame
from invest.reports.locale import MARKET_ZONE, MISSING, Locale, locale_of
from invest.reports.phrases import analyst_name
from invest.reports.sections import (
    VERDICT_MARKS,
    assets_table,
    backtest_detail,
    backtest_section,
    drawn,
    facts_section,
    on_scale,
    outside_limits,
    price_range,
    printed,
    provenance_section,
    ratings_text,
    returns_section,
    scores_chart,
    shared_record,
    sources_section,
)
from invest.reports.views import (
    Block,
    Cell,
    Claim,
    Column,
    ComparisonReportView,
    Header,
    Paragraph,
    Section,
    Stat,
    Strip,
    Table,
)


def build_comparison_view(data: ComparisonReportData) -> ComparisonReportView:
    """Decide and word the comparison; assets stand in the order of their scores."""
    locale = locale_of(data.language)
    ordered = in_order(data.analyses)
    tickers = tuple(a.ticker for a in ordered)
    winner = data.comparison.winner.ticker
    sandbox = data.sandbox or data.comparison.sandbox or any(a.sandbox for a in ordered)
    shown = ", ".join(tickers[:6]) + (f" +{len(tickers) - 6}" if len(tickers) > 6 else "")
    return ComparisonReportView(
        **frame(
            data, locale, title=locale.words.t("title.comparison", tickers=shown), as_of=as_of(ordered), sandbox=sandbox
        ),
        tickers=tickers,
        winner=winner,
        header=_header(data, ordered, locale),
        strip=_strip(data, ordered, locale),
        sections=_sections(data, ordered, locale),
        contract=_contract(data, ordered),
    )


def in_order(analyses: Sequence[Analysis]) -> list[Analysis]:
    """Best score first, those without a verdict last, equal ones by ticker."""
    return sorted(analyses, key=lambda a: (not is_judged(a), -(a.overall_score or 0.0), a.ticker))


def as_of(analyses: Sequence[Analysis]) -> date | None:
    """The market's day of the newest data."""
    return max((a.as_of.astimezone(MARKET_ZONE).date() for a in analyses), default=None)


def _header(data: ComparisonReportData, ordered: Sequence[Analysis], locale: Locale) -> Header:
    words = locale.words
    newest = max((a.as_of for a in ordered), default=data.generated_at)
    tickers = " · ".join(a.ticker for a in ordered)
    return Header(
        title=words.t("comparison.heading", n=len(ordered)),
        name="",
        tagline=f"{tickers} · {words.t('header.as_of', when=locale.instant(newest))}",
    )


def _strip(data: ComparisonReportData, ordered: Sequence[Analysis], locale: Locale) -> Strip:
    words, winner = locale.words, data.comparison.winner
    scored = [a for a in ordered if is_judged(a)]
    best = next((a for a in ordered if a.ticker == winner.ticker), None)
    scores = [a.overall_score for a in scored if a.overall_score is not None]
    spread = max(scores) - min(scores) if len(scores) > 1 else None
    return Strip(
        label=words.t("comparison.best"),
        verdict=_first(scored, locale) or words.t("comparison.no_winner"),
        mark=VERDICT_MARKS[best.recommendation] if best else "off",
        sentence=_sentence(scored, best, locale),
        stats=(
            Stat(label=words.t("table.score"), text=locale.number(winner.score, 1), sub=words.t("strip.out_of")),
            Stat(label=words.t("comparison.scored"), text=words.t("strip.answered", n=len(scored), total=len(ordered))),
            Stat(label=words.t("comparison.spread"), text=locale.number(spread, 1)),
        ),
    )


def _first(scored: Sequence[Analysis], locale: Locale) -> str:
    """Who has the best score as it is printed; several where they are equal."""
    if not scored:
        return ""
    best = locale.number(scored[0].overall_score, 1)
    names = [a.ticker for a in scored if locale.number(a.overall_score, 1) == best]
    return locale.join(names) if len(names) <= 3 else locale.words.t("comparison.many", n=len(names))


def _sentence(scored: Sequence[Analysis], best: Analysis | None, locale: Locale) -> Claim:
    """How far the winner is ahead of those with a verdict, and by which figures; equal printed scores are a tie."""
    words = locale.words
    if best is None or best.overall_score is None:
        return Claim(text=words.t("comparison.sentence_none"))
    score = locale.number(best.overall_score, 1)
    others = [a for a in scored if a.ticker != best.ticker and is_judged(a)]
    tied = [a.ticker for a in others if locale.number(a.overall_score, 1) == score]
    if not others:
        return Claim(text=words.t("comparison.sentence_alone", ticker=best.ticker, score=score))
    if tied:
        names = locale.join([best.ticker, *tied])
        return Claim(text=words.t("comparison.sentence_tie", names=names, score=score))
    second = others[0]
    lead = Decimal(repr(shown_score(best.overall_score))) - Decimal(repr(shown_score(second.overall_score or 0.0)))
    key = "comparison.sentence_many" if lead >= 2 else "comparison.sentence"
    text = words.t(key, ticker=best.ticker, second=second.ticker, score=score, lead=locale.number(lead, 1))
    book = FactBook(best.facts, locale, of=best.ticker)
    lifting = lifting_facts(best, book)
    if lifting:
        text += " " + words.t("strip.supports", items=locale.join([book.named(f) for f in lifting]))
    return Claim(text=text, refs=book.refs([f.id for f in lifting]))


def is_judged(analysis: Analysis) -> bool:
    """Whether its score carries a verdict: one of outdated prices or of too little data is compared with nobody's."""
    return analysis.recommendation != "insufficient_data" and analysis.overall_score is not None


def lifting_facts(analysis: Analysis, book: FactBook) -> list[Fact]:
    """The two figures that lift an asset's score most, but for those outside their limit."""
    barred = outside_limits(analysis)
    keys = [r.key for r in analysis.reasons if r.effect > 0 and r.key not in barred][:2]
    return [fact for key in keys if (fact := book.get(key)) is not None]


def _sections(data: ComparisonReportData, ordered: Sequence[Analysis], locale: Locale) -> tuple[Section, ...]:
    words = locale.words
    tickers = [a.ticker for a in ordered]
    table: list[Block] = [assets_table(ordered, data.bars, locale)]
    if data.comparison.mixed_kinds:
        table.append(Paragraph(text=words.t("comparison.kinds_differ"), muted=True))
    unscored = [a.ticker for a in ordered if not is_judged(a)]
    chart = scores_chart(ordered, locale)
    scores: list[Block] = [chart] if chart.bars else []
    if unscored:
        scores.append(Paragraph(text=words.t("comparison.not_scored", items=", ".join(unscored)), muted=True))
    parts = (
        Section(id="table", title=words.t("comparison.table_title"), note=words.t("comparison.table_note"),
                blocks=tuple(table)),
        returns_section(tickers, data.bars, locale, emphasis=data.comparison.winner.ticker),
        Section(id="scores", title=words.t("comparison.scores_title"), note=words.t("scores.note"),
                blocks=tuple(scores), span=5) if scores else None,
        _rankings(data, locale),
        _ai(data, tickers, locale),
        backtest_section(shared_record(ordered), locale),
        sources_section(
            report_id=data.report_id, generated_at=data.generated_at, sources=(s for a in ordered for s in a.sources),
            outcomes=data.outcomes, opinions=data.opinions, cost=data.cost_usd, locale=locale,
        ),
        _facts(data, ordered, locale),
        backtest_detail(shared_record(ordered), locale),
        provenance_section(
            payloads=data.payloads, outcomes=data.outcomes, opinions=data.opinions,
            cited=(f.payload for a in ordered for f in a.facts if f.payload), locale=locale,
        ),
    )  # fmt: skip
    return tuple(part for part in parts if part is not None)


def _facts(data: ComparisonReportData, ordered: Sequence[Analysis], locale: Locale) -> Section | None:
    """The facts that the verdict rests on."""
    best = next((a for a in ordered if a.ticker == data.comparison.winner.ticker), None)
    if best is None:
        return None
    book = FactBook(best.facts, locale, of=best.ticker)
    return facts_section(book, {f.id for f in lifting_facts(best, book)})


def _rankings(data: ComparisonReportData, locale: Locale) -> Section | None:
    """Who is first by each criterion, and the order of the others; those whose printed values are equal share a place.

    A criterion that fewer than two assets have a value of is left out.
    """
    words = locale.words
    book = FactBook((), locale)
    values = {a.ticker: a.values for a in data.comparison.assets}
    rows = []
    for name, order in data.comparison.rankings.items():
        key = name.removeprefix("by_")
        if len(order) < 2:
            continue
        label = words.get(f"comparison.{name}", words.get(f"part.{key}", book.short(key)))
        texts = {t: _criterion_text(key, values.get(t, {}).get(key), book) for t in order}
        groups = [list(group) for _, group in groupby(order, key=lambda t: texts[t] or t)]
        rest = " · ".join(" = ".join(group) for group in groups[1:6])
        more = sum(len(group) for group in groups[6:])
        rows.append(
            (
                Cell(text=label),
                Cell(text=" = ".join(groups[0]), strong=True),
                Cell(text=texts[groups[0][0]]),
                Cell(text=(f"{rest} +{more}" if more else rest) or MISSING),
            )
        )
    if not rows:
        return None
    columns = (
        Column(label=words.t("comparison.criterion"), width=1.65),
        Column(label=words.t("comparison.first"), width=1.35),
        Column(label=words.t("comparison.best_value"), align="right", width=0.75),
        Column(label=words.t("comparison.order"), width=2.25),
    )
    table = Table(caption=words.t("comparison.rankings_caption"), columns=columns, rows=tuple(rows), small=True)
    return Section(id="rankings", title=words.t("comparison.rankings_title"), blocks=(table,), span=7)


def _criterion_text(key: str, value: float | None, book: FactBook) -> str:
    """The value as it is printed; empty where there is none."""
    if value is None:
        return ""
    return book.text(key, value) if key in FACT_KEYS else book.locale.number(value, 1)


def _ai(data: ComparisonReportData, tickers: Sequence[str], locale: Locale) -> Section | None:
    """The AIs' pooled view of each asset; None where none was asked."""
    words = locale.words
    trackers = {a.ticker for a in data.analyses if follows_ibov(a)}
    asked = [(t, data.ai_consensus[t]) for t in tickers if t in data.ai_consensus and t not in trackers]
    asked = [(ticker, pooled) for ticker, pooled in asked if pooled.asked]  # the local rules alone are no AI
    if not asked:
        return None
    rows = []
    for ticker, pooled in asked:
        known = pooled.quorum and pooled.rating is not None
        answers = [o for o in data.opinions if o.ticker == ticker and o.valid and not o.benchmark]
        alone = None if known or not answers else answers[0]
        if alone is not None:
            rows.append(_alone_row(alone, pooled, locale))
            continue
        verdict = words.t(f"recommendation.{pooled.rating}") if known else words.t("strip.no_quorum")
        rows.append((
            Cell(text=ticker, strong=True),
            Cell(text=verdict, mark=VERDICT_MARKS[str(pooled.rating)] if known else "off"),
            Cell(text=printed(pooled.probability_30d if known else None, locale)),
            Cell(text=printed(pooled.probability_90d if known else None, locale)),
            Cell(text=printed(pooled.probability if known else None, locale), strong=True),
            number_cell(locale, pooled.target, 2),
            Cell(text=words.t("strip.answered", n=pooled.answered, total=pooled.asked)),
            Cell(text=ratings_text([o for o in data.opinions if o.ticker == ticker], locale)),
        ))  # fmt: skip
    by = {row[1].sub for row in rows}
    one = next(iter(by)) if len(by) == 1 else None
    if one:  # one AI alone gave all of them: its name stands above, once
        rows = [(row[0], row[1].model_copy(update={"sub": None}), *row[2:]) for row in rows]
    columns = (
        Column(label=words.t("table.asset"), width=1.2),
        Column(label=one[:1].upper() + one[1:] if one else words.t("comparison.ai_verdict"), width=2),
        Column(label=words.t("ai.p30"), align="right", width=0.8),
        Column(label=words.t("ai.p90"), align="right", width=0.8),
        Column(label=words.t("ai.p180"), align="right", width=0.8),
        Column(label=words.t("ai.price"), align="right", width=2.2),
        Column(label=words.t("strip.ais"), align="right", width=1),
        Column(label=words.t("comparison.verdicts"), width=1.6),
    )
    answered = {row[6].text for row in rows}  # one of one for each says nothing
    kept = [
        k for k in range(len(columns))
        if any(row[k].text not in ("", MISSING) for row in rows) and not (k == 6 and one and len(answered) == 1)
    ]  # fmt: skip
    table = Table(
        caption=words.t("comparison.ai_caption"),
        columns=tuple(columns[k] for k in kept),
        rows=tuple(tuple(row[k] for k in kept) for row in rows),
        small=len(rows) > 8,
    )
    note = words.t("comparison.ai_footnote", indices=_asked_about([pooled for _, pooled in asked], locale))
    blocks = (table, Paragraph(text=note, muted=True))
    return Section(id="analysts", title=words.t("comparison.ai_title"), note=words.t("ai.note"), blocks=blocks)


def _asked_about(pools: Sequence[AiConsensus], locale: Locale) -> str:
    """`o IBOV`, or of several indices whose assets are which: `o IBOV; HGLG11 e KNRI11, o IFIX`."""
    words = locale.words
    by_index: dict[str, list[str]] = {}
    for pool in pools:
        by_index.setdefault(pool.index_label, []).append(pool.ticker)
    ordered = sorted(by_index.items(), key=lambda pair: -len(pair[1]))
    first, *others = ordered
    parts = [words.t("comparison.ai_index", index=first[0])]
    parts += [words.t("comparison.ai_other_index", tickers=locale.join(t), index=i) for i, t in others]
    return "; ".join(parts)


def _alone_row(opinion: Opinion, pooled: AiConsensus, locale: Locale) -> tuple[Cell, ...]:
    """The view of the one AI that answered, under its name."""
    words, rating = locale.words, opinion.rating or "hold"
    name = analyst_name(opinion.provider, locale)
    return (
        Cell(text=opinion.ticker, strong=True),
        Cell(text=words.t(f"recommendation.{rating}"), mark=VERDICT_MARKS[rating], sub=words.t("ai.by", name=name)),
        Cell(text=drawn(opinion, opinion.p_beat_30d, locale)),
        Cell(text=drawn(opinion, opinion.p_beat_90d, locale)),
        Cell(text=printed(on_scale(opinion), locale), strong=True),
        Cell(text=price_range(opinion, locale)),
        Cell(text=words.t("strip.answered", n=pooled.answered, total=pooled.asked)),
        Cell(text=""),
    )


def _contract(data: ComparisonReportData, ordered: Sequence[Analysis]) -> dict[str, Any]:
    """The contract's parts of a comparison: its section 4 "Comparison" under `quantitative_analysis`."""
    best = data.comparison.winner
    return {
        "ai_provider": data.ai_provider,
        "overview": {
            "total_assets": len(ordered),
            "assets": [
                {"ticker": a.ticker, "name": a.name, "kind": a.kind.value, "sector": a.sector, "price": a.price}
                for a in ordered
            ],
        },
        "quantitative_analysis": _dump(data.comparison),
        "qualitative_analysis": {"consensus": {t: _dump(c) for t, c in data.ai_consensus.items()}},
        "fundamental_data": {a.ticker: a.fundamental_analysis.model_dump(mode="json") for a in ordered},
        "technical_data": {a.ticker: a.technical_analysis.model_dump(mode="json") for a in ordered},
        "final_recommendation": {"winner": best.model_dump(mode="json"), "best": data.comparison.best_opportunities},
    }


def _dump(model: Frozen) -> dict[str, Any]:
    return model.model_dump(mode="json")
