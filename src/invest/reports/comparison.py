"""The report of several assets side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from invest.domain.analysis import Analysis, Fact
from invest.domain.frozen import Frozen
from invest.domain.opinions import AiConsensus, Opinion
from invest.reports.data import ComparisonReportData
from invest.reports.facts import FactBook
from invest.reports.frame import frame
from invest.reports.locale import MARKET_ZONE, MISSING, Locale, locale_of
from invest.reports.sections import (
    VERDICT_MARKS,
    analyst_name,
    assets_table,
    backtest_section,
    facts_section,
    on_scale,
    printed,
    provenance_section,
    returns_section,
    scores_chart,
    shared_record,
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
    """Best score first, those without a score last, equal ones by ticker."""
    return sorted(analyses, key=lambda a: (a.overall_score is None, -(a.overall_score or 0.0), a.ticker))


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
    scored = [a for a in ordered if a.overall_score is not None]
    best = next((a for a in ordered if a.ticker == winner.ticker), None)
    scores = [a.overall_score for a in scored if a.overall_score is not None]
    spread = max(scores) - min(scores) if len(scores) > 1 else None
    return Strip(
        label=words.t("comparison.best"),
        verdict=winner.ticker or words.t("comparison.no_winner"),
        mark=VERDICT_MARKS[best.recommendation] if best else "off",
        sentence=_sentence(scored, best, locale),
        stats=(
            Stat(label=words.t("table.score"), text=locale.number(winner.score, 1), sub=words.t("strip.out_of")),
            Stat(label=words.t("comparison.scored"), text=words.t("strip.answered", n=len(scored), total=len(ordered))),
            Stat(label=words.t("comparison.spread"), text=locale.number(spread, 1)),
        ),
    )


def _sentence(scored: Sequence[Analysis], best: Analysis | None, locale: Locale) -> Claim:
    """How far the winner is ahead, and with which figures."""
    words = locale.words
    if best is None or best.overall_score is None:
        return Claim(text=words.t("comparison.sentence_none"))
    second = next((a for a in scored if a.ticker != best.ticker), None)
    score = locale.number(best.overall_score, 1)
    if second is None or second.overall_score is None:
        return Claim(text=words.t("comparison.sentence_alone", ticker=best.ticker, score=score))
    lead = round(best.overall_score - second.overall_score, 1)
    if lead <= 0:
        text = words.t("comparison.sentence_tie", ticker=best.ticker, second=second.ticker, score=score)
    else:
        key = "comparison.sentence_many" if lead >= 2 else "comparison.sentence"
        text = words.t(key, ticker=best.ticker, second=second.ticker, score=score, lead=locale.number(lead, 1))
    book = FactBook(best.facts, locale, of=best.ticker)
    lifting = lifting_facts(best, book)
    if lifting:
        text += " " + words.t("strip.supports", items=locale.join([book.named(f) for f in lifting]))
    return Claim(text=text, refs=book.refs([f.id for f in lifting]))


def lifting_facts(analysis: Analysis, book: FactBook) -> list[Fact]:
    """The two figures that lift an asset's score most."""
    keys = [r.key for r in analysis.reasons if r.effect > 0][:2]
    return [fact for key in keys if (fact := book.get(key)) is not None]


def _sections(data: ComparisonReportData, ordered: Sequence[Analysis], locale: Locale) -> tuple[Section, ...]:
    words = locale.words
    tickers = [a.ticker for a in ordered]
    table: list[Block] = [assets_table(ordered, data.bars, locale)]
    if data.comparison.mixed_kinds:
        table.append(Paragraph(text=words.t("comparison.kinds_differ"), muted=True))
    unscored = [a.ticker for a in ordered if a.overall_score is None]
    scores: list[Block] = [scores_chart(ordered, locale)]
    if unscored:
        scores.append(Paragraph(text=words.t("comparison.not_scored", items=", ".join(unscored)), muted=True))
    parts = (
        Section(id="table", title=words.t("comparison.table_title"), note=words.t("comparison.table_note"),
                blocks=tuple(table)),
        returns_section(tickers, data.bars, locale, emphasis=data.comparison.winner.ticker),
        Section(id="scores", title=words.t("comparison.scores_title"), note=words.t("scores.note"),
                blocks=tuple(scores), span=5),
        _rankings(data, locale),
        backtest_section(shared_record(ordered), locale),
        _ai(data, tickers, locale),
        _facts(data, ordered, locale),
        provenance_section(
            report_id=data.report_id, generated_at=data.generated_at, payloads=data.payloads, outcomes=data.outcomes,
            opinions=data.opinions, cost=data.cost_usd,
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


def _rankings(data: ComparisonReportData, locale: Locale) -> Section:
    """Who is first by each criterion, and the order of the others."""
    words = locale.words
    book = FactBook((), locale)
    rows = []
    for name, order in data.comparison.rankings.items():
        key = name.removeprefix("by_")
        label = words.get(f"comparison.{name}", words.get(f"part.{key}", book.short(key)))
        shown = " · ".join(order[1:8]) + (f" +{len(order) - 8}" if len(order) > 8 else "")
        rows.append(
            (Cell(text=label), Cell(text=order[0] if order else MISSING, strong=True), Cell(text=shown or MISSING))
        )
    columns = (
        Column(label=words.t("comparison.criterion"), width=1.4),
        Column(label=words.t("comparison.first"), width=0.8),
        Column(label=words.t("comparison.order"), width=2.6),
    )
    table = Table(caption=words.t("comparison.rankings_caption"), columns=columns, rows=tuple(rows))
    return Section(id="rankings", title=words.t("comparison.rankings_title"), blocks=(table,), span=7)


def _ai(data: ComparisonReportData, tickers: Sequence[str], locale: Locale) -> Section | None:
    """The AIs' pooled view of each asset; None where none was asked."""
    words = locale.words
    asked = [(t, data.ai_consensus[t]) for t in tickers if t in data.ai_consensus]
    if not asked:
        return None
    columns = (
        Column(label=words.t("table.asset"), width=2),
        Column(label=words.t("table.verdict"), width=2),
        Column(label=words.t("table.probability"), align="right", width=1),
        Column(label=words.t("strip.ais"), align="right", width=1),
        Column(label=words.t("quality.agreement"), align="right", width=1),
    )
    rows = []
    for ticker, pooled in asked:
        known = pooled.quorum and pooled.rating is not None
        alone = None if known else next((o for o in data.opinions if o.ticker == ticker and o.valid), None)
        if alone is not None:
            rows.append(_alone_row(alone, pooled, locale))
            continue
        verdict = words.t(f"recommendation.{pooled.rating}") if known else words.t("strip.no_quorum")
        rows.append((
            Cell(text=ticker, strong=True),
            Cell(text=verdict, mark=VERDICT_MARKS[str(pooled.rating)] if known else "off"),
            Cell(text=printed(pooled.probability if known else None, locale)),
            Cell(text=words.t("strip.answered", n=pooled.answered, total=pooled.asked)),
            Cell(text=locale.number(pooled.agreement if known else None, 2)),
        ))  # fmt: skip
    table = Table(caption=words.t("comparison.ai_caption"), columns=columns, rows=tuple(rows))
    return Section(id="analysts", title=words.t("comparison.ai_title"), note=words.t("ai.note"), blocks=(table,))


def _alone_row(opinion: Opinion, pooled: AiConsensus, locale: Locale) -> tuple[Cell, ...]:
    """The view of the one AI that answered, under its name."""
    words, rating = locale.words, opinion.rating or "hold"
    name = analyst_name(opinion.provider, locale)
    return (
        Cell(text=opinion.ticker, strong=True),
        Cell(text=words.t(f"recommendation.{rating}"), mark=VERDICT_MARKS[rating], sub=words.t("ai.by", name=name)),
        Cell(text=printed(on_scale(opinion), locale)),
        Cell(text=words.t("strip.answered", n=pooled.answered, total=pooled.asked)),
        Cell(text=MISSING),
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
